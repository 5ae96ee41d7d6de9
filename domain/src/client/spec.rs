//! The rules of a client.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, KeyId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

fn moment(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn owner() -> Created {
    Created {
        client_id: ClientId(Uuid::from_u128(1)),
        name: "Example Ltd".to_owned(),
        plan: Plan::Enterprise,
        permissions: Permission::ALL.to_vec(),
        key_id: KeyId(Uuid::from_u128(2)),
        key_hash: "ab".repeat(32),
        key_last_four: "wxyz".to_owned(),
        callback_secret: Sealed("secret".to_owned()),
        rp_id: Some("localhost".to_owned()),
        origins: vec!["http://localhost:3000".to_owned()],
        callback_hosts: vec![],
        owner: true,
        at: moment(0),
    }
}

fn created() -> ClientEvent {
    ClientEvent::Created(Box::new(owner()))
}

fn given(history: Vec<ClientEvent>) -> AggregateTestExecutor<Client> {
    TestFramework::with(()).given(history)
}

fn create_at(minutes: i64) -> Stamped<ClientCommand> {
    let command = ClientCommand::Create(Box::new(owner()));
    Stamped { at: moment(minutes), by: Actor::System("first-start"), command }
}

#[test]
fn a_client_is_created_as_told_and_the_stamp_says_when() {
    given(vec![])
        .when(create_at(7))
        .then_expect_events(vec![ClientEvent::Created(Box::new(Created { at: moment(7), ..owner() }))]);
}

#[test]
fn a_client_is_created_once() {
    given(vec![created()]).when(create_at(7)).then_expect_error(ClientError::AlreadyExists);
}

#[test]
fn a_client_keeps_what_it_was_created_with() {
    let mut client = Client::default();
    assert_eq!(client.account(), None);
    client.evolve(created());
    let account = client.account().unwrap();
    assert_eq!(account.created, owner());
    assert_eq!(account.callback_secret().event_type, ClientEvent::CREATED);
}

#[test]
fn a_state_reads_back_from_its_json() {
    let mut client = Client::default();
    for _ in 0..2 {
        let text = serde_json::to_string(&client).unwrap();
        assert_eq!(serde_json::from_str::<Client>(&text).unwrap(), client, "{text}");
        client.evolve(created());
    }
}

#[test]
fn a_permission_has_one_name() {
    for permission in Permission::ALL {
        assert_eq!(serde_json::to_value(permission).unwrap(), permission.as_str());
        assert_eq!(permission.to_string(), permission.as_str());
    }
}
