//! The rules of a client.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::event::Decider;
use crate::id::{ClientId, KeyId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

fn moment(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn key(number: u128) -> Key {
    Key {
        key_id: KeyId(Uuid::from_u128(number)),
        key_hash: format!("{number:064x}"),
        key_last_four: "wxyz".to_owned(),
    }
}

fn owner() -> Created {
    Created {
        client_id: ClientId(Uuid::from_u128(1)),
        name: "Example Ltd".to_owned(),
        plan: Plan::Enterprise,
        permissions: Permission::ALL.to_vec(),
        key: key(2),
        callback_secret: Sealed("secret".to_owned()),
        rp_id: Some("localhost".to_owned()),
        origins: vec!["http://localhost:3000".to_owned()],
        callback_hosts: vec![],
        owner: true,
        at: moment(0),
    }
}

fn tenant() -> Created {
    Created { owner: false, plan: Plan::Free, permissions: vec![Permission::ConsentsRead], ..owner() }
}

fn created(created: Created) -> ClientEvent {
    ClientEvent::Created(Box::new(created))
}

fn given(history: Vec<ClientEvent>) -> AggregateTestExecutor<Client> {
    TestFramework::with(()).given(history)
}

fn at(minutes: i64, command: ClientCommand) -> Stamped<ClientCommand> {
    Stamped { at: moment(minutes), by: Actor::System("first-start"), command }
}

fn create(created: Created, limits: Option<Limits>) -> ClientCommand {
    ClientCommand::Create { created: Box::new(created), limits }
}

fn update(update: Update) -> ClientCommand {
    ClientCommand::Update(Box::new(update))
}

fn renamed(name: &str) -> Changes {
    Changes { name: Some(name.to_owned()), ..Changes::default() }
}

fn after(history: Vec<ClientEvent>) -> Client {
    let mut client = Client::default();
    for event in history {
        client.evolve(event);
    }
    client
}

fn regenerated(number: u128, minutes: i64, grace: Option<i64>) -> ClientEvent {
    let grace_until = grace.map(|grace| moment(minutes + grace));
    ClientEvent::KeyRegenerated { key: key(number), grace_until, at: moment(minutes) }
}

fn standings(client: &Client, minutes: i64) -> Vec<(u128, Standing)> {
    let keys = client.account().unwrap().keys(moment(minutes));
    keys.map(|(key, standing)| (key.key_id.0.as_u128(), standing)).collect()
}

const AGREED: Limits = Limits { per_minute: Some(6_000), per_day: None, concurrent: Some(200) };

#[test]
fn a_client_is_created_as_told_and_the_stamp_says_when() {
    given(vec![])
        .when(at(7, create(owner(), None)))
        .then_expect_events(vec![created(Created { at: moment(7), ..owner() })]);
}

#[test]
fn a_client_is_created_once() {
    given(vec![created(owner())])
        .when(at(7, create(owner(), None)))
        .then_expect_error(ClientError::AlreadyExists);
}

#[test]
fn an_enterprise_is_created_with_limits_of_its_own_and_nobody_else_is() {
    given(vec![]).when(at(7, create(owner(), Some(AGREED)))).then_expect_events(vec![
        created(Created { at: moment(7), ..owner() }),
        ClientEvent::PlanChanged { plan: Plan::Enterprise, limits: Some(AGREED), at: moment(7) },
    ]);
    given(vec![]).when(at(7, create(tenant(), Some(AGREED)))).then_expect_error(ClientError::LimitsOfAPlan);
}

#[test]
fn what_never_was_cannot_be_changed() {
    let commands = [
        update(Update::default()),
        ClientCommand::Delete,
        ClientCommand::RegenerateKey { key: key(3), grace_until: None },
    ];
    for command in commands {
        given(vec![]).when(at(7, command)).then_expect_error(ClientError::NotFound);
    }
}

#[test]
fn a_client_keeps_what_it_was_created_with() {
    assert_eq!(Client::default().account(), None);
    let client = after(vec![created(owner())]);
    let account = client.account().unwrap();
    assert_eq!(
        (account.name.as_str(), account.plan, account.status),
        ("Example Ltd", Plan::Enterprise, Status::Active)
    );
    assert_eq!((&account.key, account.owner, account.created_at), (&key(2), true, moment(0)));
    assert_eq!(account.callback_secret.event_type, ClientEvent::CREATED);
}

#[test]
fn an_update_says_what_changed_and_nothing_else() {
    let asked = Changes { rp_id: Some(None), origins: Some(tenant().origins), ..renamed("Other") };
    let changes = Changes { rp_id: Some(None), ..renamed("Other") };
    given(vec![created(tenant())])
        .when(at(7, update(Update { changes: asked, ..Update::default() })))
        .then_expect_events(vec![ClientEvent::Updated(Box::new(Updated { changes, at: moment(7) }))]);
    given(vec![created(tenant())])
        .when(at(7, update(Update { changes: renamed("Example Ltd"), ..Update::default() })))
        .then_expect_events(vec![]);
}

#[test]
fn another_plan_brings_its_own_limits() {
    let agreed = ClientEvent::PlanChanged { plan: Plan::Enterprise, limits: Some(AGREED), at: moment(1) };
    let history = vec![created(tenant()), agreed];
    assert_eq!(after(vec![created(tenant())]).account().unwrap().limits(), Plan::Free.limits());
    assert_eq!(after(history.clone()).account().unwrap().limits(), AGREED);
    given(history.clone())
        .when(at(7, update(Update { plan: Some(Plan::Growth), ..Update::default() })))
        .then_expect_events(vec![ClientEvent::PlanChanged {
            plan: Plan::Growth,
            limits: None,
            at: moment(7),
        }]);
    given(history)
        .when(at(
            7,
            update(Update { plan: Some(Plan::Growth), limits: Some(Some(AGREED)), ..Update::default() }),
        ))
        .then_expect_error(ClientError::LimitsOfAPlan);
}

#[test]
fn a_suspended_client_has_no_good_key_until_it_is_resumed() {
    let suspended = ClientEvent::Suspended { at: moment(1) };
    let resumed = ClientEvent::Resumed { at: moment(2) };
    given(vec![created(tenant())])
        .when(at(1, update(Update { suspended: Some(true), ..Update::default() })))
        .then_expect_events(vec![suspended.clone()]);
    given(vec![created(tenant()), suspended.clone()])
        .when(at(2, update(Update { suspended: Some(false), ..Update::default() })))
        .then_expect_events(vec![resumed.clone()]);
    assert_eq!(standings(&after(vec![created(tenant()), suspended.clone()]), 3), []);
    assert_eq!(standings(&after(vec![created(tenant()), suspended, resumed]), 3), [(2, Standing::Newest)]);
}

#[test]
fn an_earlier_key_is_good_until_its_grace_is_over_and_no_longer() {
    let client = after(vec![created(tenant()), regenerated(3, 10, Some(5))]);
    let both = [(3, Standing::Newest), (2, Standing::InGrace)];
    assert_eq!(standings(&client, 14), both);
    assert_eq!(standings(&client, 15), [(3, Standing::Newest)]);
    let at_once = after(vec![created(tenant()), regenerated(3, 10, None)]);
    assert_eq!(standings(&at_once, 10), [(3, Standing::Newest)]);
}

#[test]
fn regenerating_again_ends_every_grace() {
    let client = after(vec![created(tenant()), regenerated(3, 10, Some(60)), regenerated(4, 11, None)]);
    assert_eq!(standings(&client, 12), [(4, Standing::Newest)]);
    let again = after(vec![created(tenant()), regenerated(3, 10, Some(60)), regenerated(4, 11, Some(60))]);
    assert_eq!(standings(&again, 12), [(4, Standing::Newest), (3, Standing::InGrace)]);
}

#[test]
fn a_grace_that_is_over_already_is_none() {
    let command = ClientCommand::RegenerateKey { key: key(3), grace_until: Some(moment(7)) };
    given(vec![created(tenant())]).when(at(7, command)).then_expect_events(vec![regenerated(3, 7, None)]);
}

#[test]
fn two_callback_secrets_sign_for_a_day() {
    let rotated =
        ClientEvent::CallbackSecretRotated { callback_secret: Sealed("new".to_owned()), at: moment(10) };
    given(vec![created(tenant())])
        .when(at(10, ClientCommand::RotateCallbackSecret { callback_secret: Sealed("new".to_owned()) }))
        .then_expect_events(vec![rotated.clone()]);
    let client = after(vec![created(tenant()), rotated]);
    let secrets = |minutes| -> Vec<_> {
        let secrets = client.account().unwrap().callback_secrets(moment(minutes));
        secrets.map(|secret| (secret.sealed.0.clone(), secret.event_type.clone().into_owned())).collect()
    };
    let newest = ("new".to_owned(), ClientEvent::CALLBACK_SECRET_ROTATED.to_owned());
    let earlier = ("secret".to_owned(), ClientEvent::CREATED.to_owned());
    assert_eq!(secrets(10 + 24 * 60 - 1), [newest.clone(), earlier]);
    assert_eq!(secrets(10 + 24 * 60), [newest]);
}

#[test]
fn a_deleted_client_stays_so() {
    let deleted = ClientEvent::Deleted { at: moment(1) };
    given(vec![created(tenant())])
        .when(at(1, ClientCommand::Delete))
        .then_expect_events(vec![deleted.clone()]);
    let history = vec![created(tenant()), deleted];
    assert_eq!(standings(&after(history.clone()), 2), []);
    given(history.clone()).when(at(2, ClientCommand::Delete)).then_expect_error(ClientError::NotFound);
    given(history)
        .when(at(2, update(Update { suspended: Some(false), ..Update::default() })))
        .then_expect_error(ClientError::NotFound);
}

#[test]
fn the_owner_stays_active_with_every_permission() {
    let fewer = Changes { permissions: Some(vec![Permission::ConsentsRead]), ..Changes::default() };
    let commands = [
        ClientCommand::Delete,
        update(Update { suspended: Some(true), ..Update::default() }),
        update(Update { changes: fewer, ..Update::default() }),
    ];
    for command in commands {
        given(vec![created(owner())]).when(at(7, command)).then_expect_error(ClientError::OwnerStays);
    }
}

#[test]
fn a_state_reads_back_from_its_json() {
    let mut client = Client::default();
    let events = vec![
        created(tenant()),
        regenerated(3, 10, Some(60)),
        ClientEvent::CallbackSecretRotated { callback_secret: Sealed("new".to_owned()), at: moment(10) },
        ClientEvent::Suspended { at: moment(11) },
        ClientEvent::Deleted { at: moment(12) },
    ];
    for event in events {
        client.evolve(event);
        let text = serde_json::to_string(&client).unwrap();
        assert_eq!(serde_json::from_str::<Client>(&text).unwrap(), client, "{text}");
    }
}

#[test]
fn what_appends_nothing_changes_nothing() {
    let client = after(vec![created(tenant())]);
    assert_eq!(client.decide(&at(7, update(Update::default()))).unwrap(), []);
}

#[test]
fn a_permission_has_one_name() {
    for permission in Permission::ALL {
        assert_eq!(serde_json::to_value(permission).unwrap(), permission.as_str());
        assert_eq!(permission.to_string(), permission.as_str());
    }
}
