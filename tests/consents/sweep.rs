//! The sweep that says in the log what has expired.

use chrono::TimeDelta;
use futures::future::join_all;
use mobid::app::App;
use mobid::event_store::{CommandContext, Terms};
use mobid::vault::Place;
use mobid::workers::expiry::sweep;
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Consent, ConsentCommand, ConsentEvent, Create, RequireAssurance};
use mobid_domain::id::{ClientId, ConsentId};
use serde_json::json;

use super::path_of;
use crate::support::{RECIPIENT, TestApp};

/// Consents of this client, due in a minute, put straight into the log.
async fn create_many(app: &App, tenant: ClientId, count: usize) -> Vec<String> {
    let (user_id, key) = app.vault.person(tenant, &RECIPIENT.parse().unwrap()).await.unwrap();
    let mut ids = vec![];
    while ids.len() < count {
        let new: Vec<_> = (0..500.min(count - ids.len())).map(|_| ConsentId(mobid::ids::new_id())).collect();
        join_all(new.iter().map(|id| {
            let key = &key;
            async move {
                let id = id.to_string();
                let at = app.clock.now();
                let place = Place {
                    tenant,
                    aggregate_id: &id,
                    event_type: ConsentEvent::CREATED,
                    field: "recipient",
                };
                let create = Create {
                    client_id: tenant,
                    user_id,
                    recipient: key.seal(&place, RECIPIENT.as_bytes()).unwrap(),
                    purpose: "login".parse().unwrap(),
                    scope: vec![],
                    callback_url: None,
                    return_url: None,
                    metadata: None,
                    require_assurance: RequireAssurance::Any,
                    notify: false,
                    locale: None,
                    expires_at: at + TimeDelta::minutes(1),
                    at,
                };
                let context = CommandContext {
                    actor: Actor::Client(tenant),
                    ..CommandContext::system("test", tenant, at, None)
                };
                let terms = Terms { new: true, ..Terms::default() };
                let command = ConsentCommand::Create(Box::new(create));
                app.store.execute::<Consent>(&id, command, &context, terms).await.unwrap();
            }
        }))
        .await;
        ids.extend(new.iter().map(ToString::to_string));
    }
    ids
}

async fn owner(app: &TestApp) -> ClientId {
    app.app.keys.authenticate(&app.api.key).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_records_what_expired_as_of_its_deadline() {
    let (app, _lease) = TestApp::start_unswept().await;
    let due = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    let later = app.create_consent_with(json!({ "expiresIn": 60 })).await;
    app.advance(TimeDelta::minutes(7));
    app.caught_up().await;
    assert_eq!(sweep(&app.app).await.unwrap(), 1);
    assert_eq!(sweep(&app.app).await.unwrap(), 0, "a second one finds nothing to do");
    let deadline = app.api.get(&path_of(&due)).await.data()["expiresAt"].clone();
    let (payload, metadata): (String, String) = sqlx::query_as(
        "select payload::text, metadata::text from events where event_type = 'consent.expired'",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(payload, json!({ "type": "consent.expired", "data": { "at": deadline } }));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(
        (&metadata["actorKind"], &metadata["actorId"], &metadata["causation"]),
        (&json!("system"), &json!("expiry"), &json!("deadline"))
    );
    assert_eq!(app.api.get(&path_of(&later)).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_was_moved_is_the_one_that_counts() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.api.patch(&path_of(&id), &json!({ "expiresIn": 10 })).await;
    app.advance(TimeDelta::minutes(9));
    app.caught_up().await;
    assert_eq!(sweep(&app.app).await.unwrap(), 0);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(sweep(&app.app).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sweeps_by_itself() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::minutes(1));
    let mut growth = app.app.wake.subscribe();
    let swept = async {
        while app.api.get(&path_of(&id)).await.header("etag") != "\"2\"" {
            growth.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), swept).await.unwrap();
}

/// 10,000 at once, swept by two instances at the same time, in batches that the log can take.
#[tokio::test(flavor = "multi_thread")]
async fn two_instances_expire_ten_thousand_once_each() {
    const COUNT: usize = 10_000;
    let (app, _lease) = TestApp::start_unswept().await;
    let twin = app.twin().await;
    create_many(&app.app, owner(&app).await, COUNT).await;
    app.caught_up().await;
    app.advance(TimeDelta::minutes(1));
    let (one, other) = tokio::join!(sweep(&app.app), sweep(&twin.app));
    let (one, other) = (one.unwrap(), other.unwrap());
    // What one lost to the other while both tried is left for the next sweep.
    let rest = sweep(&app.app).await.unwrap();
    assert_eq!(one + other + rest, COUNT, "{one} + {other} + {rest}");
    let (events, consents, largest): (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(distinct aggregate_id),
                (select max(n) from (select count(*) as n from events where event_type = 'consent.expired'
                                     group by recorded_at) batches)
         from events where event_type = 'consent.expired'",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!((events, consents), (10_000, 10_000));
    assert!(largest <= 512, "a batch of {largest} events");
    app.caught_up().await;
    let left: i64 = sqlx::query_scalar("select count(*) from deadlines").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
}
