//! The rules of a login.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, DeviceId, UserId};
use crate::proof::Proof;
use crate::sealed::Sealed;
use crate::stamped::Stamped;

const CLIENT_ID: ClientId = ClientId(Uuid::from_u128(1));
const CLIENT: Actor = Actor::Client(CLIENT_ID);

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn success(at: i64) -> Succeeded {
    Succeeded {
        client_id: CLIENT_ID,
        user_id: UserId(Uuid::from_u128(2)),
        reference: Some(Sealed("reference".to_owned())),
        device_id: Some(DeviceId(Uuid::from_u128(3))),
        user_verified: true,
        at: minute(at),
    }
}

fn failure(at: i64) -> Failed {
    Failed {
        client_id: CLIENT_ID,
        user_id: None,
        reference: None,
        device_id: None,
        reason: Reason::SessionExpired,
        at: minute(at),
    }
}

fn succeed() -> LoginCommand {
    LoginCommand::Succeed(Box::new(success(0)))
}

fn fail() -> LoginCommand {
    LoginCommand::Fail(Box::new(failure(0)))
}

fn given(history: Vec<LoginEvent>) -> AggregateTestExecutor<Login> {
    TestFramework::with(()).given(history)
}

fn at_ten(by: Actor, command: LoginCommand) -> Stamped<LoginCommand> {
    Stamped { at: minute(10), by, command }
}

fn state(event: LoginEvent) -> Login {
    let mut login = Login::default();
    login.evolve(event);
    login
}

#[test]
fn an_attempt_comes_to_something_and_the_stamp_says_when() {
    given(vec![])
        .when(at_ten(CLIENT, succeed()))
        .then_expect_events(vec![LoginEvent::Succeeded(Box::new(success(10)))]);
    given(vec![])
        .when(at_ten(CLIENT, fail()))
        .then_expect_events(vec![LoginEvent::Failed(Box::new(failure(10)))]);
}

#[test]
fn an_attempt_comes_to_one_thing_only() {
    for before in [LoginEvent::Succeeded(Box::new(success(0))), LoginEvent::Failed(Box::new(failure(0)))] {
        for command in [succeed(), fail()] {
            given(vec![before.clone()])
                .when(at_ten(CLIENT, command))
                .then_expect_error(LoginError::AlreadyOver);
        }
    }
}

#[test]
fn nobody_says_what_a_login_of_another_client_came_to() {
    let others = [
        Actor::Client(ClientId(Uuid::from_u128(9))),
        Actor::Recipient(UserId(Uuid::from_u128(1))),
        Actor::System("test"),
    ];
    for by in others {
        for command in [succeed(), fail()] {
            given(vec![]).when(at_ten(by, command)).then_expect_error(LoginError::NotTheClient);
        }
    }
}

#[test]
fn on_a_hosted_page_who_logs_in_says_so_and_nobody_else_does() {
    let hosted = Succeeded { reference: None, ..success(0) };
    let succeed = |succeeded: &Succeeded| LoginCommand::Succeed(Box::new(succeeded.clone()));
    let person = Actor::Recipient(hosted.user_id);
    given(vec![]).when(at_ten(person, succeed(&hosted))).then_expect_events(vec![LoginEvent::Succeeded(
        Box::new(Succeeded { at: minute(10), ..hosted.clone() }),
    )]);
    for by in [Actor::Recipient(UserId(Uuid::from_u128(1))), Actor::System(HOSTED_PAGE)] {
        given(vec![]).when(at_ten(by, succeed(&hosted))).then_expect_error(LoginError::NotTheClient);
    }
    given(vec![]).when(at_ten(person, succeed(&success(0)))).then_expect_error(LoginError::NotTheClient);
    given(vec![])
        .when(at_ten(Actor::System(HOSTED_PAGE), fail()))
        .then_expect_events(vec![LoginEvent::Failed(Box::new(failure(10)))]);
    given(vec![]).when(at_ten(person, fail())).then_expect_error(LoginError::NotTheClient);
}

/// Whoever logs in on a hosted page has until then.
fn prove(until: i64) -> LoginCommand {
    let succeeded = Box::new(Succeeded { reference: None, ..success(0) });
    LoginCommand::Prove { proof: Box::new(Proof::sample()), succeeded, until: minute(until) }
}

#[test]
fn what_a_passkey_signed_is_recorded_with_the_login_that_it_is_for() {
    let (person, at) = (Actor::Recipient(success(0).user_id), minute(10));
    let proved = LoginEvent::Proved { proof: Box::new(Proof::sample()), at };
    let succeeded = LoginEvent::Succeeded(Box::new(Succeeded { reference: None, ..success(10) }));
    given(vec![]).when(at_ten(person, prove(11))).then_expect_events(vec![proved.clone(), succeeded.clone()]);
    given(vec![proved, succeeded]).when(at_ten(person, prove(11))).then_expect_error(LoginError::AlreadyOver);
}

#[test]
fn nobody_logs_in_from_the_end_on() {
    let person = Actor::Recipient(success(0).user_id);
    for until in [9, 10] {
        given(vec![]).when(at_ten(person, prove(until))).then_expect_error(LoginError::TooLate);
    }
}

#[test]
fn no_client_says_what_a_person_signed() {
    for by in [CLIENT, Actor::System(HOSTED_PAGE), Actor::Recipient(UserId(Uuid::from_u128(1)))] {
        given(vec![]).when(at_ten(by, prove(11))).then_expect_error(LoginError::NotTheClient);
    }
}

#[test]
fn an_attempt_says_what_it_came_to() {
    let succeeded = state(LoginEvent::Succeeded(Box::new(success(0))));
    assert_eq!(succeeded.attempt().unwrap().outcome, Outcome::Succeeded { user_verified: true });
    let failed = state(LoginEvent::Failed(Box::new(failure(0))));
    assert_eq!(failed.attempt().unwrap().outcome, Outcome::Failed { reason: Reason::SessionExpired });
    for login in [succeeded, failed, Login::None] {
        let text = serde_json::to_string(&login).unwrap();
        assert_eq!(serde_json::from_str::<Login>(&text).unwrap(), login, "{text}");
    }
}

#[test]
fn a_reason_has_one_name() {
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        assert!(reason.message().ends_with('.'));
    }
}
