//! Every POST of the router's own table takes the header, and records its answer with what it did.

use mobid::http::router;
use reqwest::Method;
use serde_json::{Value, json};

use super::assert_replayed;
use crate::support::authenticator::{self, Authenticator, device_of};
use crate::support::enrollee::registered;
use crate::support::{Api, RECIPIENT, Reply, TestApp, reference_body};

/// What begins a ceremony is no history.
const APPEND_NOTHING: [&str; 3] =
    ["/v1/auth/fido/register/begin", "/v1/auth/fido/authenticate/begin", "/verify"];

fn appends(path: &str) -> bool {
    !APPEND_NOTHING.iter().any(|end| path.ends_with(end))
}

/// What completes a registration.
async fn registration(app: &TestApp) -> Value {
    let begun = app.api.post(APPEND_NOTHING[0], &json!({ "userId": "ann" })).await;
    let credential = Authenticator::at(&app.url("")).create(&begun.data()["publicKey"]);
    json!({ "sessionId": begun.data()["sessionId"], "credential": credential })
}

/// What completes a login.
async fn login(app: &TestApp) -> Value {
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = authenticator::begin(&app.api, None).await;
    let credential = authenticator.get(&begun["publicKey"]);
    json!({ "sessionId": begun["sessionId"], "credential": credential })
}

/// The POSTs of the table, each with a path that names a client or device of the owner's and a body that it takes. A
/// route that is added has to say here what it takes.
async fn posts(app: &TestApp) -> Vec<(String, Value)> {
    let made = app.api.post("/v1/clients", &json!({ "name": "x", "permissions": [] })).await;
    let (registration, login) = (registration(app).await, login(app).await);
    let (active, blocked) = (device_of(&app.api, "ann").await.0, device_of(&app.api, "ann").await.0);
    assert_eq!(app.api.post(&format!("/v1/devices/{blocked}/block"), &json!({})).await.status, 200);
    let enrollment = registered(app).await.0;
    let consent = app.create_consent().await;
    let rows = router::declared().into_iter().filter(|row| row.method == Method::POST);
    rows.map(|row| {
        let body = match row.path {
            "/clients" => json!({ "name": "Another", "permissions": ["consents:read"] }),
            "/clients/{id}/regenerate-key" => json!({ "graceSeconds": 60 }),
            "/clients/{id}/rotate-callback-secret" | "/devices/{id}/block" | "/devices/{id}/unblock" => {
                json!({})
            }
            "/qr/generate" => json!({ "type": "consent", "referenceId": consent }),
            "/service/consents" | "/service/consents/search" => reference_body(),
            "/webhooks" => json!({ "url": "https://example.com/hook" }),
            "/auth/fido/register/begin" | "/auth/fido/authenticate/begin" => json!({ "userId": "ann" }),
            "/auth/fido/register/complete" => registration.clone(),
            "/auth/fido/authenticate/complete" => login.clone(),
            "/enrollments" => json!({ "recipient": RECIPIENT }),
            "/enrollments/{id}/verify" => json!({}),
            other => panic!("say what {other} takes"),
        };
        let device = if row.path.ends_with("/unblock") { &blocked } else { &active };
        let path = row.path.replace("/clients/{id}", &format!("/clients/{}", made.id()));
        let path = path.replace("/enrollments/{id}", &format!("/enrollments/{enrollment}"));
        (format!("/v1{}", path.replace("/devices/{id}", &format!("/devices/{device}"))), body)
    })
    .collect()
}

async fn count_of_events(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(app.pool()).await.unwrap()
}

async fn post_text(api: &Api, path: &str, key: &str, body: String) -> Reply {
    let request = api.request(Method::POST, path).header("Idempotency-Key", key);
    Reply::of(request.header("Content-Type", "application/json").body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_post_does_once_what_it_is_asked_twice() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let posts = posts(&app).await;
    assert!(posts.len() >= 6, "{posts:?}");
    for (path, body) in posts {
        let before = count_of_events(&app).await;
        let first = app.api.post_once(&path, "k", &body).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text);
        let after = count_of_events(&app).await;
        assert_eq!(after > before, appends(&path), "{path} appends");
        for api in [&app.api, &twin.api] {
            assert_replayed(&first, &api.post_once(&path, "k", &body).await);
            let other = post_text(api, &path, "k", format!("{body} ")).await;
            assert_eq!((other.status, &other.body["type"]), (409, &json!("conflict")), "{path}");
            assert_eq!(other.body["data"], Value::Null, "{path}");
        }
        assert_eq!(count_of_events(&app).await, after, "{path}: nothing more happened");
    }
    // The transaction that wrote a record is one that wrote events, where there are any.
    let alone: i64 = sqlx::query_scalar(
        "select count(*) from idempotency_records r where not exists (select from events e where e.xmin = r.xmin)",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    let alone = usize::try_from(alone).unwrap();
    assert_eq!(alone, APPEND_NOTHING.len(), "each record committed with its events");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_post_that_is_refused_for_what_it_says_is_refused_the_same_again() {
    let app = TestApp::start().await;
    for (path, _) in posts(&app).await {
        let bad = json!({ "nonsense": 1 });
        let first = app.api.post_once(&path, "k", &bad).await;
        assert_eq!(first.status, 400, "{path}: {}", first.text);
        assert!(first.errors().contains(&"nonsense:unknown_field".to_owned()), "{path}: {}", first.text);
        assert_replayed(&first, &app.api.post_once(&path, "k", &bad).await);
    }
}

/// The log says that others were first each time, as it would if they really were.
async fn let_others_always_be_first(app: &TestApp) -> String {
    let real: String = sqlx::query_scalar("select pg_get_functiondef('append_batch'::regproc)")
        .fetch_one(app.pool())
        .await
        .unwrap();
    let (head, _) = real.split_once("AS $function$").unwrap();
    let conflict = format!(
        "{head}AS $function$ begin
             base := 0;
             stamped_at := clock_timestamp();
             outcomes := array_fill('conflict'::text, array[cardinality(batch)]);
             positions := array_fill(null::bigint, array[cardinality(batch)]);
         end $function$"
    );
    sqlx::query(&conflict).execute(app.pool()).await.unwrap();
    real
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_every_race_may_try_again_with_the_same_key() {
    let app = TestApp::start().await;
    let made = app.api.post("/v1/clients", &json!({ "name": "x", "permissions": [] })).await;
    let path = format!("/v1/clients/{}/rotate-callback-secret", made.id());
    let real = let_others_always_be_first(&app).await;
    for _ in 0..2 {
        let lost = app.api.post_once(&path, "k", &json!({})).await;
        assert_eq!((lost.status, lost.header("retry-after")), (409, "1"), "{}", lost.text);
        assert!(lost.text.contains("keeps changing"), "{}", lost.text);
        assert_eq!(lost.header("idempotency-replayed"), "");
    }
    sqlx::query(&real).execute(app.pool()).await.unwrap();
    let done = app.api.post_once(&path, "k", &json!({})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_replayed(&done, &app.api.post_once(&path, "k", &json!({})).await);
}
