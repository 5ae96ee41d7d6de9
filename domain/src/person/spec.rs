//! The rules of a person's record, a test each.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::event::Decider;
use crate::id::{ClientId, HoldingId, PasskeyId, PersonId, UserId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

const ANN: Actor = Actor::Person(PersonId(Uuid::from_u128(1)));
const HOLDING: HoldingId = HoldingId(Uuid::from_u128(2));
const FIRST: PasskeyId = PasskeyId(Uuid::from_u128(3));
const SECOND: PasskeyId = PasskeyId(Uuid::from_u128(4));

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn sealed(text: &str) -> Sealed {
    Sealed(text.to_owned())
}

fn verified() -> PersonEvent {
    PersonEvent::HandleVerified { holding_id: HOLDING, handle: sealed("handle"), at: minute(0) }
}

fn added(passkey_id: PasskeyId) -> PersonEvent {
    let (credential, at) = (sealed("credential"), minute(1));
    PersonEvent::PasskeyAdded { passkey_id, credential, counter: 0, backed_up: false, at }
}

fn used(passkey_id: PasskeyId, counter: u32) -> PersonEvent {
    PersonEvent::PasskeyUsed { passkey_id, counter, backed_up: false, at: minute(9) }
}

fn dropped(passkey_id: PasskeyId, reason: DropReason) -> PersonEvent {
    PersonEvent::PasskeyDropped { passkey_id, reason, at: minute(9) }
}

fn released() -> PersonEvent {
    PersonEvent::HandleReleased { holding_id: HOLDING, reason: ReleaseReason::Recovered, at: minute(9) }
}

fn add(passkey_id: PasskeyId, with: Option<PasskeyId>) -> PersonCommand {
    PersonCommand::AddPasskey {
        passkey_id,
        credential: sealed("credential"),
        counter: 0,
        backed_up: false,
        with,
    }
}

fn use_it(passkey_id: PasskeyId, counter: u32) -> PersonCommand {
    PersonCommand::UsePasskey { passkey_id, counter, backed_up: false }
}

fn verify() -> PersonCommand {
    PersonCommand::VerifyHandle { holding_id: HOLDING, handle: sealed("handle") }
}

fn release() -> PersonCommand {
    PersonCommand::ReleaseHandle { reason: ReleaseReason::Recovered }
}

fn drop_it(passkey_id: PasskeyId) -> PersonCommand {
    PersonCommand::DropPasskey { passkey_id, reason: DropReason::Removed }
}

fn given(history: Vec<PersonEvent>) -> AggregateTestExecutor<Person> {
    TestFramework::with(()).given(history)
}

fn at(minutes: i64, by: Actor, command: PersonCommand) -> Stamped<PersonCommand> {
    Stamped { at: minute(minutes), by, command }
}

fn now(command: PersonCommand) -> Stamped<PersonCommand> {
    at(9, ANN, command)
}

#[test]
fn a_proven_handle_makes_a_person() {
    given(vec![]).when(at(0, ANN, verify())).then_expect_events(vec![verified()]);
    given(vec![verified()]).when(now(verify())).then_expect_error(PersonError::AlreadyExists);
}

#[test]
fn nothing_can_be_asked_of_nobody() {
    for command in [release(), add(FIRST, None), use_it(FIRST, 1), drop_it(FIRST)] {
        given(vec![]).when(now(command)).then_expect_error(PersonError::NotFound);
    }
}

#[test]
fn nobody_else_speaks_for_a_person() {
    let id = Uuid::from_u128(1);
    for by in [Actor::Client(ClientId(id)), Actor::Recipient(UserId(id)), Actor::System("x")] {
        for command in [verify(), release(), add(FIRST, None), use_it(FIRST, 1), drop_it(FIRST)] {
            given(vec![]).when(at(9, by, command.clone())).then_expect_error(PersonError::NotThePerson);
            let history = vec![verified(), added(FIRST)];
            given(history).when(at(9, by, command)).then_expect_error(PersonError::NotThePerson);
        }
    }
}

#[test]
fn the_first_passkey_takes_a_proven_handle_and_the_next_one_of_the_passkeys() {
    given(vec![verified()]).when(at(1, ANN, add(FIRST, None))).then_expect_events(vec![added(FIRST)]);
    let one = || given(vec![verified(), added(FIRST)]);
    one().when(at(1, ANN, add(SECOND, None))).then_expect_error(PersonError::PasskeyNeeded);
    one().when(at(1, ANN, add(SECOND, Some(SECOND)))).then_expect_error(PersonError::PasskeyNeeded);
    one().when(at(1, ANN, add(SECOND, Some(FIRST)))).then_expect_events(vec![added(SECOND)]);
}

#[test]
fn a_dropped_passkey_lets_nobody_in_and_stands_in_nobodys_way() {
    let history = || vec![verified(), added(FIRST), added(SECOND), dropped(FIRST, DropReason::Removed)];
    let third = PasskeyId(Uuid::from_u128(5));
    given(history()).when(now(use_it(FIRST, 1))).then_expect_error(PersonError::NoPasskey);
    given(history()).when(now(add(third, Some(FIRST)))).then_expect_error(PersonError::PasskeyNeeded);
    given(history()).when(now(drop_it(FIRST))).then_expect_events(vec![]);
    let alone = vec![verified(), added(FIRST), dropped(FIRST, DropReason::Removed)];
    given(alone.clone()).when(now(add(SECOND, Some(FIRST)))).then_expect_error(PersonError::PasskeyNeeded);
    given(alone).when(at(1, ANN, add(SECOND, None))).then_expect_events(vec![added(SECOND)]);
}

#[test]
fn nobody_has_more_passkeys_than_the_bound() {
    let ids = (10..).map(|n| PasskeyId(Uuid::from_u128(n))).take(MAX_PASSKEYS);
    let history: Vec<_> = std::iter::once(verified()).chain(ids.map(added)).collect();
    let with = Some(PasskeyId(Uuid::from_u128(10)));
    given(history).when(now(add(FIRST, with))).then_expect_error(PersonError::TooManyPasskeys);
}

#[test]
fn a_counter_that_goes_on_is_kept_and_one_that_goes_back_ends_the_passkey() {
    let history = || vec![verified(), added(FIRST), used(FIRST, 5)];
    given(history()).when(now(use_it(FIRST, 6))).then_expect_events(vec![used(FIRST, 6)]);
    for counter in [0, 4, 5] {
        let gone = vec![dropped(FIRST, DropReason::CounterRegressed)];
        given(history()).when(now(use_it(FIRST, counter))).then_expect_events(gone);
    }
    // An authenticator that counts nothing says 0 each time.
    given(vec![verified(), added(FIRST)])
        .when(now(use_it(FIRST, 0)))
        .then_expect_events(vec![used(FIRST, 0)]);
}

#[test]
fn a_released_handle_stays_released_and_takes_no_new_passkey() {
    given(vec![verified()]).when(now(release())).then_expect_events(vec![released()]);
    given(vec![verified(), released()]).when(now(release())).then_expect_events(vec![]);
    given(vec![verified(), released()]).when(now(add(FIRST, None))).then_expect_error(PersonError::Released);
    let history = vec![verified(), added(FIRST), released()];
    given(history).when(now(use_it(FIRST, 1))).then_expect_events(vec![used(FIRST, 1)]);
}

#[test]
fn a_state_reads_back_as_it_was_written() {
    let mut person = Person::default();
    for event in [verified(), added(FIRST), used(FIRST, 7), dropped(FIRST, DropReason::Removed), released()] {
        person.evolve(event);
        let json = serde_json::to_string(&person).unwrap();
        assert_eq!(serde_json::from_str::<Person>(&json).unwrap(), person);
    }
    assert!(person.record().unwrap().active().next().is_none());
    assert!(Person::default().decide(&now(release())).is_err());
}
