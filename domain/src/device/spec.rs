//! The rules of a device.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::event::Decider;
use crate::id::{ClientId, UserId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

const CLIENT_ID: ClientId = ClientId(Uuid::from_u128(1));
const USER_ID: UserId = UserId(Uuid::from_u128(2));
const CLIENT: Actor = Actor::Client(CLIENT_ID);
const STRANGERS: [Actor; 4] = [
    Actor::Client(ClientId(Uuid::from_u128(3))),
    // The same bits as the client's id, and as the user's: only the kind of actor tells them apart.
    Actor::Recipient(UserId(Uuid::from_u128(1))),
    Actor::Recipient(USER_ID),
    Actor::System("test"),
];

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn sealed(text: &str) -> Sealed {
    Sealed(text.to_owned())
}

fn wanted() -> Registered {
    Registered {
        holder: Holder::ClientUser { client_id: CLIENT_ID, user_id: USER_ID },
        reference: Some(sealed("reference")),
        credential: sealed("credential"),
        name: Some(sealed("name")),
        aaguid: None,
        transports: vec!["internal".to_owned()],
        backup_eligible: true,
        backed_up: false,
        sign_count: 5,
        at: minute(0),
    }
}

fn registered() -> DeviceEvent {
    DeviceEvent::Registered(Box::new(wanted()))
}

fn counting_nothing() -> DeviceEvent {
    DeviceEvent::Registered(Box::new(Registered { sign_count: 0, ..wanted() }))
}

fn used(sign_count: u32) -> DeviceEvent {
    let at = minute(10);
    DeviceEvent::Used { sign_count, backup_eligible: true, backed_up: true, user_verified: true, at }
}

fn blocked(because: BlockedBecause) -> DeviceEvent {
    DeviceEvent::Blocked { because, reason: None, at: minute(10) }
}

fn unblocked() -> DeviceEvent {
    DeviceEvent::Unblocked { at: minute(10) }
}

fn deregistered() -> DeviceEvent {
    DeviceEvent::Deregistered { at: minute(10) }
}

fn show(sign_count: u32) -> DeviceCommand {
    DeviceCommand::Use(Use { sign_count, backup_eligible: true, backed_up: true, user_verified: true })
}

fn block() -> DeviceCommand {
    DeviceCommand::Block { reason: None }
}

fn given(history: &[DeviceEvent]) -> AggregateTestExecutor<Device> {
    TestFramework::with(()).given(history.to_vec())
}

fn at_ten(command: DeviceCommand) -> Stamped<DeviceCommand> {
    Stamped { at: minute(10), by: CLIENT, command }
}

fn state(history: &[DeviceEvent]) -> Device {
    let mut device = Device::default();
    for event in history {
        device.evolve(event.clone());
    }
    device
}

fn every_command() -> [DeviceCommand; 5] {
    [
        DeviceCommand::Register(Box::new(wanted())),
        show(6),
        block(),
        DeviceCommand::Unblock,
        DeviceCommand::Deregister,
    ]
}

fn every_history() -> [Vec<DeviceEvent>; 6] {
    let requested = blocked(BlockedBecause::Requested);
    [
        vec![registered()],
        vec![registered(), used(6)],
        vec![registered(), requested.clone()],
        vec![registered(), blocked(BlockedBecause::CounterRegressed)],
        vec![registered(), requested, unblocked()],
        vec![registered(), deregistered()],
    ]
}

#[test]
fn a_client_registers_a_device_and_the_stamp_says_when() {
    let expected = DeviceEvent::Registered(Box::new(Registered { at: minute(10), ..wanted() }));
    given(&[]).when(at_ten(DeviceCommand::Register(Box::new(wanted())))).then_expect_events(vec![expected]);
}

#[test]
fn nobody_but_its_holder_does_anything_with_a_device() {
    for by in STRANGERS {
        let register = DeviceCommand::Register(Box::new(wanted()));
        let command = Stamped { at: minute(10), by, command: register };
        given(&[]).when(command).then_expect_error(DeviceError::NotItsHolder);
        for history in every_history() {
            for command in every_command() {
                let command = Stamped { at: minute(10), by, command };
                given(&history).when(command).then_expect_error(DeviceError::NotItsHolder);
            }
        }
    }
}

#[test]
fn a_device_is_registered_once() {
    for history in every_history() {
        let again = DeviceCommand::Register(Box::new(wanted()));
        given(&history).when(at_ten(again)).then_expect_error(DeviceError::AlreadyExists);
    }
}

#[test]
fn nothing_can_be_done_with_a_device_that_does_not_exist() {
    for command in every_command().into_iter().skip(1) {
        given(&[]).when(at_ten(command)).then_expect_error(DeviceError::NotFound);
    }
}

#[test]
fn a_device_that_counts_on_is_used() {
    given(&[registered()]).when(at_ten(show(6))).then_expect_events(vec![used(6)]);
    given(&[registered(), used(6)]).when(at_ten(show(100))).then_expect_events(vec![used(100)]);
    given(&[counting_nothing()]).when(at_ten(show(1))).then_expect_events(vec![used(1)]);
}

#[test]
fn a_device_that_does_not_count_is_used_as_often_as_one_likes() {
    given(&[counting_nothing(), used(0)]).when(at_ten(show(0))).then_expect_events(vec![used(0)]);
}

#[test]
fn a_device_whose_counter_went_back_or_stood_still_is_blocked() {
    let expected = || vec![blocked(BlockedBecause::CounterRegressed)];
    for shown in [0, 1, 4, 5] {
        given(&[registered()]).when(at_ten(show(shown))).then_expect_events(expected());
    }
    given(&[registered(), used(7)]).when(at_ten(show(6))).then_expect_events(expected());
}

#[test]
fn what_could_be_backed_up_once_can_be_for_ever() {
    let shown = Use { sign_count: 6, backup_eligible: false, backed_up: true, user_verified: true };
    given(&[registered()]).when(at_ten(DeviceCommand::Use(shown))).then_expect_events(vec![used(6)]);
}

#[test]
fn a_blocked_device_is_not_used_until_it_is_unblocked() {
    for because in [BlockedBecause::Requested, BlockedBecause::CounterRegressed] {
        let history = [registered(), blocked(because)];
        given(&history).when(at_ten(show(6))).then_expect_error(DeviceError::Blocked);
        given(&history).when(at_ten(DeviceCommand::Unblock)).then_expect_events(vec![unblocked()]);
        let [first, second] = history;
        given(&[first, second, unblocked()]).when(at_ten(show(6))).then_expect_events(vec![used(6)]);
    }
}

#[test]
fn a_device_is_blocked_with_the_words_of_who_blocks_it() {
    let reason = Some(sealed("lost"));
    let expected =
        DeviceEvent::Blocked { because: BlockedBecause::Requested, reason: reason.clone(), at: minute(10) };
    given(&[registered()]).when(at_ten(DeviceCommand::Block { reason })).then_expect_events(vec![expected]);
}

#[test]
fn what_is_so_already_needs_no_event() {
    for because in [BlockedBecause::Requested, BlockedBecause::CounterRegressed] {
        given(&[registered(), blocked(because)]).when(at_ten(block())).then_expect_events(vec![]);
    }
    given(&[registered()]).when(at_ten(DeviceCommand::Unblock)).then_expect_events(vec![]);
    let gone = [registered(), deregistered()];
    given(&gone).when(at_ten(DeviceCommand::Deregister)).then_expect_events(vec![]);
}

#[test]
fn a_device_is_deregistered_whether_active_or_blocked() {
    for history in every_history().into_iter().take(5) {
        given(&history).when(at_ten(DeviceCommand::Deregister)).then_expect_events(vec![deregistered()]);
    }
}

#[test]
fn a_deregistered_device_never_comes_back() {
    for command in [show(6), block(), DeviceCommand::Unblock] {
        given(&[registered(), deregistered()])
            .when(at_ten(command))
            .then_expect_error(DeviceError::Deregistered);
    }
}

#[test]
fn a_use_says_how_far_it_counted_when_and_whether_it_is_backed_up() {
    let device = state(&[registered(), used(6)]);
    let known = device.known().unwrap();
    assert_eq!((known.sign_count, known.last_used_at), (6, Some(minute(10))));
    assert!(known.backup_eligible && known.backed_up);
    assert_eq!((known.registered_at, known.updated_at), (minute(0), minute(10)));
}

#[test]
fn only_an_active_device_shows_as_active() {
    let statuses = every_history().map(|history| state(&history).known().unwrap().status());
    let (active, blocked) = (Status::Active, Status::Blocked);
    assert_eq!(statuses, [active, active, blocked, blocked, active, Status::Deregistered]);
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
}

#[test]
fn an_event_before_the_registration_leaves_nothing() {
    for event in [used(1), blocked(BlockedBecause::Requested), unblocked(), deregistered()] {
        assert_eq!(state(&[event]), Device::Absent);
    }
}

#[test]
fn a_state_reads_back_from_its_json() {
    for history in every_history() {
        let device = state(&history);
        let text = serde_json::to_string(&device).unwrap();
        assert_eq!(serde_json::from_str::<Device>(&text).unwrap(), device, "{text}");
    }
}

#[test]
fn a_device_is_what_its_decisions_leave() {
    for history in every_history() {
        for command in every_command() {
            let before = state(&history);
            let Ok(events) = before.decide(&at_ten(command)) else { continue };
            let after = state(&[history.clone(), events.clone()].concat());
            assert_eq!(after == before, events.is_empty(), "{before:?} {events:?}");
        }
    }
}

#[test]
fn a_persons_device_is_registered_and_used_by_their_proof_and_blocked_by_the_client() {
    let holder = Holder::Person { client_id: CLIENT_ID, user_id: USER_ID };
    let event = DeviceEvent::Registered(Box::new(Registered { holder, ..wanted() }));
    let person = |command| Stamped { at: minute(10), by: Actor::Recipient(USER_ID), command };
    let register = || DeviceCommand::Register(Box::new(Registered { holder, ..wanted() }));
    given(&[]).when(at_ten(register())).then_expect_error(DeviceError::NotItsHolder);
    let made = DeviceEvent::Registered(Box::new(Registered { holder, at: minute(10), ..wanted() }));
    given(&[]).when(person(register())).then_expect_events(vec![made]);
    given(std::slice::from_ref(&event)).when(at_ten(show(6))).then_expect_error(DeviceError::NotItsHolder);
    given(std::slice::from_ref(&event)).when(person(show(6))).then_expect_events(vec![used(6)]);
    for command in [block(), DeviceCommand::Unblock] {
        given(std::slice::from_ref(&event))
            .when(person(command))
            .then_expect_error(DeviceError::NotItsHolder);
    }
    let dropped = given(std::slice::from_ref(&event)).when(person(DeviceCommand::Deregister));
    dropped.then_expect_events(vec![DeviceEvent::Deregistered { at: minute(10) }]);
    let stranger = Actor::Recipient(UserId(Uuid::from_u128(99)));
    let drop = Stamped { at: minute(10), by: stranger, command: DeviceCommand::Deregister };
    given(std::slice::from_ref(&event)).when(drop).then_expect_error(DeviceError::NotItsHolder);
    let requested = blocked(BlockedBecause::Requested);
    given(std::slice::from_ref(&event)).when(at_ten(block())).then_expect_events(vec![requested.clone()]);
    given(&[event, requested]).when(person(show(6))).then_expect_error(DeviceError::Blocked);
}
