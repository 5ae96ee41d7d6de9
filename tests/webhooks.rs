//! `/v1/webhooks`, and what arrives at the endpoints.

mod callbacks;
mod deliveries;
mod endpoints;
mod failures;
mod subscriber;
mod verification;

use std::time::Duration;

use mobid::event_store::{CommandContext, Terms};
use mobid::vault::{Place, Subject};
use mobid::workers::webhook_sender::Sender;
use mobid_domain::actor::Actor;
use mobid_domain::client::Client;
use mobid_domain::consent::{Assurance, AssuranceMethod, Consent, ConsentCommand, ConsentEvent, Session};
use mobid_domain::id::ClientId;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Api, TestApp};

/// A delivery as its row has it.
#[derive(Debug, Clone, PartialEq)]
struct Delivery {
    target: String,
    event_type: String,
    status: String,
    attempts: i32,
    status_code: Option<i32>,
    error: Option<String>,
}

/// All deliveries, in the order of their events.
async fn deliveries(app: &TestApp) -> Vec<Delivery> {
    let rows = sqlx::query("select * from webhook_deliveries order by event_position, target");
    let rows = rows.fetch_all(app.pool()).await.unwrap();
    rows.iter()
        .map(|row| Delivery {
            target: row.get("target"),
            event_type: row.get("event_type"),
            status: row.get("status"),
            attempts: row.get("attempts"),
            status_code: row.get("last_status_code"),
            error: row.get("last_error"),
        })
        .collect()
}

/// Waits until the deliveries are so.
async fn until(app: &TestApp, holds: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
    app.caught_up().await;
    let mut look = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..3_000 {
        look.tick().await;
        let found = deliveries(app).await;
        if holds(&found) {
            return found;
        }
    }
    panic!("it never came to that: {:?}", deliveries(app).await);
}

/// Waits until no delivery waits for its first attempt or its end.
async fn until_settled(app: &TestApp) -> Vec<Delivery> {
    until(app, |all| all.iter().all(|delivery| delivery.status != "pending")).await
}

/// How many attempts another sender finds to be due.
async fn due(app: &TestApp) -> usize {
    Sender::new(app.app.clone()).unwrap().send_due().await.unwrap()
}

/// Registers an endpoint; its id and secret.
async fn register(api: &Api, url: &str, event_types: &[&str]) -> (String, String) {
    let reply = api.post("/v1/webhooks", &json!({ "url": url, "eventTypes": event_types })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let text = |name: &str| reply.data()[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

/// The client and its callback secret.
async fn callback_secret(app: &TestApp) -> (ClientId, String) {
    let id = sqlx::query_scalar::<_, String>("select aggregate_id from claims where kind = 'owner'");
    let id = id.fetch_one(app.pool()).await.unwrap();
    let client = app.app.store.load::<Client>(&id).await.unwrap().state;
    let tenant: ClientId = id.parse().unwrap();
    let key = app.app.vault.key(tenant, Subject::Tenant).await.unwrap().unwrap();
    let sealed = &client.account().unwrap().callback_secret;
    (tenant, key.open_text_in(tenant, &id, "callbackSecret", sealed).unwrap())
}

fn one_time_code(app: &TestApp) -> Assurance {
    Assurance { method: AssuranceMethod::OneTimeCode, user_verified: false, bound_at: app.clock().now() }
}

async fn session(app: &TestApp, id: &str) -> Session {
    app.app.store.load::<Consent>(id).await.unwrap().state.session().unwrap().clone()
}

/// What the recipient does on the hosted page, their proof given.
async fn as_recipient(app: &TestApp, id: &str, command: ConsentCommand) {
    let request = session(app, id).await.request;
    let context = CommandContext::system("test", request.client_id, app.clock().now(), None);
    let context = CommandContext { actor: Actor::Recipient(request.user_id), ..context };
    app.app.store.execute::<Consent>(id, command, &context, Terms::default()).await.unwrap();
}

/// The recipient grants everything and gives these claims.
async fn approve(app: &TestApp, id: &str, claims: &Value) {
    let request = session(app, id).await.request;
    let subject = Subject::Person(request.user_id);
    let key = app.app.vault.key(request.client_id, subject).await.unwrap().unwrap();
    let place = Place {
        tenant: request.client_id,
        aggregate_id: id,
        event_type: ConsentEvent::APPROVED,
        field: "claims",
    };
    let claims = key.seal(&place, claims.to_string().as_bytes()).unwrap();
    let assurance = one_time_code(app);
    let command = ConsentCommand::Approve { granted_scope: request.scope, claims: Some(claims), assurance };
    as_recipient(app, id, command).await;
}
