//! The rules of a webhook endpoint.

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
const CLIENT: Actor = Actor::Client(CLIENT_ID);
const OTHER_CLIENT: Actor = Actor::Client(ClientId(Uuid::from_u128(2)));
/// The same bits as the client's id: only the kind of actor tells them apart.
const SOMEBODY: Actor = Actor::Recipient(UserId(Uuid::from_u128(1)));
const SENDER: Actor = Actor::System("webhook-sender");

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn wanted() -> Created {
    Created {
        client_id: CLIENT_ID,
        url: Sealed("url".to_owned()),
        event_types: vec![EventType::ConsentApproved],
        description: Some(Sealed("description".to_owned())),
        secret: Sealed("secret".to_owned()),
        at: minute(0),
    }
}

fn created() -> EndpointEvent {
    EndpointEvent::Created(Box::new(wanted()))
}

fn disabled(reason: DisabledReason) -> EndpointEvent {
    EndpointEvent::Disabled { reason, at: minute(10) }
}

fn deleted() -> EndpointEvent {
    EndpointEvent::Deleted { at: minute(20) }
}

fn create() -> EndpointCommand {
    EndpointCommand::Create(Box::new(wanted()))
}

fn disable() -> EndpointCommand {
    EndpointCommand::Disable { reason: DisabledReason::Gone }
}

fn given(history: Vec<EndpointEvent>) -> AggregateTestExecutor<Endpoint> {
    TestFramework::with(()).given(history)
}

fn at(minutes: i64, by: Actor, command: EndpointCommand) -> Stamped<EndpointCommand> {
    Stamped { at: minute(minutes), by, command }
}

fn state(history: Vec<EndpointEvent>) -> Endpoint {
    after(Endpoint::default(), history)
}

fn after(mut endpoint: Endpoint, events: Vec<EndpointEvent>) -> Endpoint {
    for event in events {
        endpoint.evolve(event);
    }
    endpoint
}

fn registration(history: Vec<EndpointEvent>) -> Registration {
    state(history).registration().unwrap().clone()
}

fn every_history() -> [Vec<EndpointEvent>; 6] {
    [
        vec![],
        vec![created()],
        vec![created(), disabled(DisabledReason::Gone)],
        vec![created(), disabled(DisabledReason::Failing)],
        vec![created(), deleted()],
        vec![created(), disabled(DisabledReason::Gone), deleted()],
    ]
}

#[test]
fn a_client_registers_an_endpoint_and_the_stamp_says_when() {
    given(vec![])
        .when(at(7, CLIENT, create()))
        .then_expect_events(vec![EndpointEvent::Created(Box::new(Created { at: minute(7), ..wanted() }))]);
}

#[test]
fn nobody_registers_an_endpoint_in_the_name_of_another_client() {
    for by in [OTHER_CLIENT, SOMEBODY, SENDER] {
        given(vec![]).when(at(7, by, create())).then_expect_error(EndpointError::NotTheClient);
    }
}

#[test]
fn an_endpoint_is_created_once() {
    for history in every_history().into_iter().skip(1) {
        given(history).when(at(30, CLIENT, create())).then_expect_error(EndpointError::AlreadyExists);
    }
}

#[test]
fn nothing_can_be_done_with_an_endpoint_that_does_not_exist() {
    for command in [disable(), EndpointCommand::Delete] {
        given(vec![]).when(at(1, CLIENT, command)).then_expect_error(EndpointError::NotFound);
    }
}

#[test]
fn the_sender_disables_an_active_endpoint_with_its_reason() {
    for reason in [DisabledReason::Gone, DisabledReason::Failing] {
        given(vec![created()])
            .when(at(10, SENDER, EndpointCommand::Disable { reason }))
            .then_expect_events(vec![disabled(reason)]);
    }
}

#[test]
fn an_endpoint_that_is_not_active_is_not_disabled_again() {
    for history in every_history().into_iter().skip(2) {
        given(history).when(at(30, SENDER, disable())).then_expect_events(vec![]);
    }
}

#[test]
fn its_client_deletes_an_endpoint_whether_active_or_disabled() {
    for history in [vec![created()], vec![created(), disabled(DisabledReason::Failing)]] {
        given(history).when(at(20, CLIENT, EndpointCommand::Delete)).then_expect_events(vec![deleted()]);
    }
}

#[test]
fn only_its_client_deletes_an_endpoint() {
    for history in [vec![created()], vec![created(), disabled(DisabledReason::Gone)]] {
        for by in [OTHER_CLIENT, SOMEBODY, SENDER] {
            given(history.clone())
                .when(at(20, by, EndpointCommand::Delete))
                .then_expect_error(EndpointError::NotTheClient);
        }
    }
}

#[test]
fn a_deleted_endpoint_is_as_if_it_had_never_been() {
    for by in [CLIENT, OTHER_CLIENT] {
        given(vec![created(), deleted()])
            .when(at(30, by, EndpointCommand::Delete))
            .then_expect_error(EndpointError::NotFound);
    }
}

#[test]
fn an_endpoint_hears_of_the_events_that_it_named() {
    let endpoint = registration(vec![created()]);
    assert!(endpoint.subscribes(EventType::ConsentApproved));
    assert!(!endpoint.subscribes(EventType::ConsentRejected));
}

#[test]
fn an_endpoint_that_names_no_events_hears_of_all() {
    let all = EndpointEvent::Created(Box::new(Created { event_types: vec![], ..wanted() }));
    let endpoint = registration(vec![all]);
    assert!(EventType::ALL.iter().all(|event_type| endpoint.subscribes(*event_type)));
}

#[test]
fn an_endpoint_that_is_not_active_hears_of_nothing() {
    for history in every_history().into_iter().skip(2) {
        assert!(!registration(history).subscribes(EventType::ConsentApproved));
    }
}

#[test]
fn a_registration_says_what_happened_to_it_and_when() {
    let endpoint = registration(vec![created(), disabled(DisabledReason::Failing)]);
    assert_eq!(endpoint.status, Status::Disabled(DisabledReason::Failing));
    assert_eq!((endpoint.created_at, endpoint.updated_at), (minute(0), minute(10)));
    let endpoint = registration(vec![created(), deleted()]);
    assert_eq!((endpoint.status, endpoint.updated_at), (Status::Deleted, minute(20)));
    assert_eq!(endpoint.url.event_type, EndpointEvent::CREATED);
    assert_eq!(endpoint.secret.event_type, EndpointEvent::CREATED);
}

#[test]
fn an_endpoint_only_ever_moves_from_active_to_disabled_to_deleted() {
    let rank = |endpoint: &Endpoint| match endpoint.registration().map(|registration| registration.status) {
        None => 0,
        Some(Status::Active) => 1,
        Some(Status::Disabled(_)) => 2,
        Some(Status::Deleted) => 3,
    };
    for history in every_history() {
        let before = state(history);
        for command in [create(), disable(), EndpointCommand::Delete] {
            for by in [CLIENT, OTHER_CLIENT, SOMEBODY, SENDER] {
                let events = before.decide(&at(30, by, command.clone())).unwrap_or_default();
                let moves = !events.is_empty();
                let after = after(before.clone(), events);
                assert_eq!(rank(&after) > rank(&before), moves, "{before:?} {command:?}");
                assert!(moves || after == before);
            }
        }
    }
}

#[test]
fn an_event_before_the_creation_leaves_nothing() {
    for event in [disabled(DisabledReason::Gone), deleted()] {
        assert_eq!(state(vec![event]), Endpoint::Absent);
    }
}

#[test]
fn a_state_reads_back_from_its_json() {
    for history in every_history() {
        let endpoint = state(history);
        let text = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&text).unwrap(), endpoint, "{text}");
    }
}

#[test]
fn an_event_type_has_one_name() {
    for event_type in EventType::ALL {
        assert_eq!(serde_json::to_value(event_type).unwrap(), event_type.as_str());
        assert_eq!(EventType::parse(event_type.as_str()), Some(*event_type));
    }
    assert_eq!(EventType::parse("consent.gone"), None);
}
