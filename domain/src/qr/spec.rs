//! The rules of a QR code.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, ConsentId, EnrollmentId, LoginId};
use crate::stamped::Stamped;

const CLIENT_ID: ClientId = ClientId(Uuid::from_u128(1));
const CLIENT: Actor = Actor::Client(CLIENT_ID);
const PAGE: Actor = Actor::System("hosted_page");

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

/// Generated at once, and good for ten minutes.
fn wanted() -> Generate {
    let target = Target::Consent(ConsentId(Uuid::from_u128(7)));
    Generate { client_id: CLIENT_ID, target, expires_at: minute(10), at: minute(0) }
}

fn generated() -> CodeEvent {
    CodeEvent::Generated(Box::new(wanted()))
}

fn scanned(minutes: i64) -> CodeEvent {
    CodeEvent::Scanned { at: minute(minutes) }
}

/// The same for a login.
fn wanted_login() -> Generate {
    Generate { target: Target::Login(LoginId(Uuid::from_u128(8))), ..wanted() }
}

fn login() -> CodeEvent {
    CodeEvent::Generated(Box::new(wanted_login()))
}

fn matched(minutes: i64) -> CodeEvent {
    CodeEvent::NumberMatched { at: minute(minutes) }
}

fn refused(minutes: i64) -> CodeEvent {
    CodeEvent::NumberRefused { at: minute(minutes) }
}

fn ended(reason: EndReason, minutes: i64) -> CodeEvent {
    CodeEvent::Ended { reason, at: minute(minutes) }
}

const RIGHT: CodeCommand = CodeCommand::TryNumber { right: true };
const WRONG: CodeCommand = CodeCommand::TryNumber { right: false };

fn generate() -> CodeCommand {
    CodeCommand::Generate(Box::new(wanted()))
}

fn given(history: Vec<CodeEvent>) -> AggregateTestExecutor<Code> {
    TestFramework::with(()).given(history)
}

fn at(minutes: i64, by: Actor, command: CodeCommand) -> Stamped<CodeCommand> {
    Stamped { at: minute(minutes), by, command }
}

fn generation(history: Vec<CodeEvent>) -> Generation {
    let mut code = Code::default();
    for event in history {
        code.evolve(event);
    }
    code.generation().unwrap().clone()
}

#[test]
fn a_client_generates_a_code_of_its_own_once() {
    given(vec![]).when(at(0, CLIENT, generate())).then_expect_events(vec![generated()]);
    given(vec![]).when(at(0, PAGE, generate())).then_expect_error(CodeError::NotTheClient);
    given(vec![generated()]).when(at(1, CLIENT, generate())).then_expect_error(CodeError::AlreadyExists);
}

#[test]
fn only_the_first_scan_counts() {
    given(vec![generated()]).when(at(1, PAGE, CodeCommand::Scan)).then_expect_events(vec![scanned(1)]);
    given(vec![generated(), scanned(1)]).when(at(2, PAGE, CodeCommand::Scan)).then_expect_events(vec![]);
    given(vec![generated(), scanned(1)]).when(at(20, PAGE, CodeCommand::Scan)).then_expect_events(vec![]);
    given(vec![]).when(at(1, PAGE, CodeCommand::Scan)).then_expect_error(CodeError::NotFound);
}

#[test]
fn no_scan_counts_from_the_end_on() {
    let last = minute(10) - TimeDelta::microseconds(1);
    let scan = |at| Stamped { at, by: PAGE, command: CodeCommand::Scan };
    given(vec![generated()]).when(scan(last)).then_expect_events(vec![CodeEvent::Scanned { at: last }]);
    given(vec![generated()]).when(scan(minute(10))).then_expect_error(CodeError::Expired);
}

#[test]
fn a_number_is_a_scan_and_every_one_is_on_record() {
    given(vec![login()]).when(at(1, PAGE, RIGHT)).then_expect_events(vec![scanned(1), matched(1)]);
    given(vec![login()]).when(at(1, PAGE, WRONG)).then_expect_events(vec![scanned(1), refused(1)]);
    let seen = vec![login(), scanned(1), refused(1)];
    given(seen.clone()).when(at(2, PAGE, RIGHT)).then_expect_events(vec![matched(2)]);
    given(seen).when(at(2, PAGE, WRONG)).then_expect_events(vec![refused(2)]);
}

#[test]
fn the_third_wrong_number_ends_a_code_and_then_no_number_is_right() {
    let twice = vec![login(), scanned(1), refused(1), matched(1), refused(2)];
    let end = ended(EndReason::TooManyTries, 3);
    given(twice.clone()).when(at(3, PAGE, WRONG)).then_expect_events(vec![refused(3), end.clone()]);
    let over = [twice, vec![refused(3), end]].concat();
    assert_eq!(generation(over.clone()).tries_left(), 0);
    for command in [RIGHT, WRONG, CodeCommand::Decline] {
        given(over.clone()).when(at(4, PAGE, command)).then_expect_error(CodeError::Ended);
    }
}

#[test]
fn who_declines_ends_a_code_at_any_time() {
    let declined = |minutes| ended(EndReason::Declined, minutes);
    let decline = || CodeCommand::Decline;
    given(vec![login()]).when(at(1, PAGE, decline())).then_expect_events(vec![scanned(1), declined(1)]);
    let seen = vec![login(), scanned(1), matched(1)];
    given(seen.clone()).when(at(2, PAGE, decline())).then_expect_events(vec![declined(2)]);
    given([seen, vec![declined(2)]].concat()).when(at(3, PAGE, RIGHT)).then_expect_error(CodeError::Ended);
}

#[test]
fn no_number_counts_from_the_end_on_nor_for_anything_but_a_login() {
    for command in [RIGHT, WRONG, CodeCommand::Decline] {
        given(vec![login()]).when(at(10, PAGE, command.clone())).then_expect_error(CodeError::Expired);
        given(vec![]).when(at(1, PAGE, command.clone())).then_expect_error(CodeError::NotFound);
        let enrollment = Target::Enrollment(EnrollmentId(Uuid::from_u128(9)));
        for target in [wanted().target, enrollment] {
            let other = CodeEvent::Generated(Box::new(Generate { target, ..wanted() }));
            given(vec![other]).when(at(1, PAGE, command.clone())).then_expect_error(CodeError::NotALogin);
        }
    }
}

#[test]
fn no_client_enters_the_number_or_declines_in_a_persons_place() {
    for command in [RIGHT, WRONG, CodeCommand::Decline] {
        given(vec![login()]).when(at(1, CLIENT, command)).then_expect_error(CodeError::NotOnThePage);
    }
}

#[test]
fn where_a_code_stands_follows_from_the_time_and_from_what_it_refers_to() {
    let open = Referred::Open { until: minute(60) };
    let decided = Referred::Decided { at: minute(5) };
    let (fresh, seen) = (generation(vec![generated()]), generation(vec![generated(), scanned(1)]));
    for (code, minutes, referred, expected) in [
        (&fresh, 9, open, Status::Active),
        (&fresh, 10, open, Status::Expired),
        (&fresh, 5, decided, Status::Expired),
        (&fresh, 5, Referred::Ended, Status::Expired),
        (&seen, 1, open, Status::Scanned),
        (&seen, 59, open, Status::Scanned),
        (&seen, 60, open, Status::Expired),
        (&seen, 5, decided, Status::Used),
        (&seen, 99, decided, Status::Used),
        (&seen, 5, Referred::Ended, Status::Expired),
    ] {
        assert_eq!(code.status_at(minute(minutes), referred), expected, "{code:?} {minutes} {referred:?}");
    }
    assert_eq!(fresh.changes_at(open), Some(minute(10)));
    assert_eq!(seen.changes_at(open), Some(minute(60)));
    assert_eq!(fresh.changes_at(decided), None);
}

#[test]
fn every_state_reads_back_from_its_json() {
    let over = vec![login(), scanned(1), refused(1), ended(EndReason::Declined, 2)];
    for code in [
        Code::Absent,
        Code::Generation(generation(vec![generated(), scanned(1)])),
        Code::Generation(generation(over)),
    ] {
        let json = serde_json::to_string(&code).unwrap();
        assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), code, "{json}");
    }
}

#[test]
fn why_a_code_ended_has_one_name() {
    for reason in EndReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
