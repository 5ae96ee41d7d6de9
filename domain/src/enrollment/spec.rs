//! The rules of an enrollment, a test each.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, DeviceId, UserId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

const CLIENT_ID: ClientId = ClientId(Uuid::from_u128(1));
const USER_ID: UserId = UserId(Uuid::from_u128(2));
const DEVICE_ID: DeviceId = DeviceId(Uuid::from_u128(3));
const OTHER_DEVICE: DeviceId = DeviceId(Uuid::from_u128(4));
const CLIENT: Actor = Actor::Client(CLIENT_ID);
const RECIPIENT: Actor = Actor::Recipient(USER_ID);
const SYSTEM: Actor = Actor::System("expiry");
/// The same bits as the client's id: only the kind of actor tells them apart.
const OTHER_RECIPIENT: Actor = Actor::Recipient(UserId(Uuid::from_u128(1)));
const OTHER_CLIENT: Actor = Actor::Client(ClientId(Uuid::from_u128(2)));
const DEADLINE: i64 = 60;

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn asked() -> Created {
    let sealed = |text: &str| Sealed(text.to_owned());
    Created {
        client_id: CLIENT_ID,
        user_id: USER_ID,
        recipient: sealed("recipient"),
        display_name: Some(sealed("name")),
        claims: None,
        callback_url: Some(sealed("callback")),
        return_url: None,
        expires_at: minute(DEADLINE),
        at: minute(0),
    }
}

fn created() -> EnrollmentEvent {
    EnrollmentEvent::Created(Box::new(asked()))
}

fn registered() -> EnrollmentEvent {
    EnrollmentEvent::DeviceRegistered { device_id: DEVICE_ID, user_id: USER_ID, at: minute(10) }
}

fn not_verified() -> EnrollmentEvent {
    EnrollmentEvent::TryFailed { reason: "signature_invalid".to_owned(), at: minute(10) }
}

fn completed() -> EnrollmentEvent {
    EnrollmentEvent::Completed { user_verified: true, at: minute(10) }
}

fn failed() -> EnrollmentEvent {
    EnrollmentEvent::Failed { reason: FailReason::TooManyTries, at: minute(10) }
}

fn cancelled() -> EnrollmentEvent {
    EnrollmentEvent::Cancelled { at: minute(10) }
}

fn expired() -> EnrollmentEvent {
    EnrollmentEvent::Expired { at: minute(DEADLINE) }
}

fn register() -> EnrollmentCommand {
    EnrollmentCommand::RegisterDevice { device_id: DEVICE_ID, user_id: USER_ID }
}

fn verify(device_id: DeviceId) -> EnrollmentCommand {
    EnrollmentCommand::Verify { device_id, user_verified: true }
}

fn fail() -> EnrollmentCommand {
    EnrollmentCommand::FailTry { reason: "signature_invalid".to_owned() }
}

fn given(history: Vec<EnrollmentEvent>) -> AggregateTestExecutor<Enrollment> {
    TestFramework::with(()).given(history)
}

fn at(minutes: i64, by: Actor, command: EnrollmentCommand) -> Stamped<EnrollmentCommand> {
    Stamped { at: minute(minutes), by, command }
}

/// One history for each way to have ended, with the status that it leads to.
fn every_end() -> Vec<(Status, Vec<EnrollmentEvent>)> {
    vec![
        (Status::Completed, vec![created(), registered(), completed()]),
        (Status::Failed, vec![created(), registered(), failed()]),
        (Status::Cancelled, vec![created(), cancelled()]),
        (Status::Expired, vec![created(), expired()]),
    ]
}

#[test]
fn a_client_asks_in_its_own_name() {
    let create = || EnrollmentCommand::Create(Box::new(asked()));
    given(vec![]).when(at(0, CLIENT, create())).then_expect_events(vec![created()]);
    given(vec![]).when(at(0, OTHER_CLIENT, create())).then_expect_error(EnrollmentError::NotTheClient);
    given(vec![created()]).when(at(0, CLIENT, create())).then_expect_error(EnrollmentError::AlreadyExists);
    given(vec![]).when(at(0, CLIENT, EnrollmentCommand::Cancel)).then_expect_error(EnrollmentError::NotFound);
}

#[test]
fn a_recipients_device_is_registered_and_verified() {
    given(vec![created()]).when(at(10, RECIPIENT, register())).then_expect_events(vec![registered()]);
    let history = vec![created(), registered()];
    given(history).when(at(10, RECIPIENT, verify(DEVICE_ID))).then_expect_events(vec![completed()]);
}

#[test]
fn nobody_but_the_recipient_registers_or_verifies() {
    for by in [CLIENT, OTHER_RECIPIENT, SYSTEM] {
        let refused = EnrollmentError::NotTheRecipient;
        given(vec![created()]).when(at(10, by, register())).then_expect_error(refused);
        let history = vec![created(), registered()];
        given(history).when(at(10, by, verify(DEVICE_ID))).then_expect_error(refused);
    }
}

#[test]
fn who_began_anew_is_enrolled_as_who_they_are_now() {
    let now = UserId(Uuid::from_u128(9));
    let command = EnrollmentCommand::RegisterDevice { device_id: DEVICE_ID, user_id: now };
    let event = EnrollmentEvent::DeviceRegistered { device_id: DEVICE_ID, user_id: now, at: minute(10) };
    given(vec![created()])
        .when(at(10, Actor::Recipient(now), command))
        .then_expect_events(vec![event.clone()]);
    let history = || vec![created(), event.clone()];
    given(history())
        .when(at(10, Actor::Recipient(now), verify(DEVICE_ID)))
        .then_expect_events(vec![completed()]);
    let refused = EnrollmentError::NotTheRecipient;
    given(history()).when(at(10, RECIPIENT, verify(DEVICE_ID))).then_expect_error(refused);
}

#[test]
fn another_device_does_not_verify() {
    let history = vec![created(), registered()];
    let refused = EnrollmentError::AnotherDevice;
    given(history).when(at(10, RECIPIENT, verify(OTHER_DEVICE))).then_expect_error(refused);
}

#[test]
fn the_fifth_failed_try_fails_the_enrollment() {
    let mut history = vec![created(), registered()];
    for _ in 1..TRIES {
        given(history.clone()).when(at(10, SYSTEM, fail())).then_expect_events(vec![not_verified()]);
        history.push(not_verified());
    }
    given(history.clone()).when(at(10, RECIPIENT, verify(DEVICE_ID))).then_expect_events(vec![completed()]);
    given(history).when(at(10, SYSTEM, fail())).then_expect_events(vec![not_verified(), failed()]);
}

#[test]
fn a_step_comes_after_the_one_before_it() {
    let pending = EnrollmentError::WrongStatus(Status::Pending);
    given(vec![created()]).when(at(10, RECIPIENT, verify(DEVICE_ID))).then_expect_error(pending);
    given(vec![created()]).when(at(10, SYSTEM, fail())).then_expect_error(pending);
    let registered_already = EnrollmentError::WrongStatus(Status::DeviceRegistered);
    let history = vec![created(), registered()];
    given(history).when(at(10, RECIPIENT, register())).then_expect_error(registered_already);
}

#[test]
fn the_client_cancels_what_is_open() {
    for history in [vec![created()], vec![created(), registered()]] {
        let cancel = || EnrollmentCommand::Cancel;
        given(history.clone()).when(at(10, CLIENT, cancel())).then_expect_events(vec![cancelled()]);
        for by in [OTHER_CLIENT, RECIPIENT, SYSTEM] {
            let refused = EnrollmentError::NotTheClient;
            given(history.clone()).when(at(10, by, cancel())).then_expect_error(refused);
        }
    }
}

#[test]
fn what_ended_stays_ended() {
    for (status, history) in every_end() {
        let closed = EnrollmentError::AlreadyClosed(status);
        let commands = [
            (RECIPIENT, register()),
            (RECIPIENT, verify(DEVICE_ID)),
            (SYSTEM, fail()),
            (CLIENT, EnrollmentCommand::Cancel),
        ];
        for (by, command) in commands {
            given(history.clone()).when(at(70, by, command)).then_expect_error(closed);
        }
        given(history).when(at(70, SYSTEM, EnrollmentCommand::Expire)).then_expect_events(vec![]);
    }
}

#[test]
fn nothing_happens_from_the_deadline_on() {
    let closed = EnrollmentError::AlreadyClosed(Status::Expired);
    given(vec![created()]).when(at(DEADLINE, RECIPIENT, register())).then_expect_error(closed);
    for (by, command) in
        [(RECIPIENT, verify(DEVICE_ID)), (SYSTEM, fail()), (CLIENT, EnrollmentCommand::Cancel)]
    {
        given(vec![created(), registered()]).when(at(DEADLINE, by, command)).then_expect_error(closed);
    }
}

#[test]
fn the_deadline_is_recorded_once_it_has_passed() {
    let expire = |minutes| at(minutes, SYSTEM, EnrollmentCommand::Expire);
    for history in [vec![created()], vec![created(), registered()]] {
        given(history.clone()).when(expire(DEADLINE - 1)).then_expect_events(vec![]);
        given(history).when(expire(DEADLINE + 5)).then_expect_events(vec![expired()]);
    }
}

#[test]
fn a_state_reads_back_as_it_was_written() {
    for (status, history) in every_end() {
        let mut enrollment = Enrollment::default();
        for event in history {
            enrollment.evolve(event);
            let json = serde_json::to_string(&enrollment).unwrap();
            assert_eq!(serde_json::from_str::<Enrollment>(&json).unwrap(), enrollment);
        }
        assert_eq!(enrollment.session().unwrap().phase.recorded_status(), status);
    }
}
