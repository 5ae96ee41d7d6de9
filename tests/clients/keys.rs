//! New keys for old.

use chrono::{DateTime, TimeDelta, Utc};
use mobid::workers::metering;
use mobid_domain::client::Plan;
use serde_json::{Value, json};

use super::{make, path, status};
use crate::support::{Api, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_dies_exactly_at_the_end_of_its_grace() {
    let app = TestApp::start().await;
    let (made, old) = make(&app, json!({})).await;
    let grace = json!({ "graceSeconds": 60 });
    let reply = app.api.post(&format!("{}/regenerate-key", path(&made)), &grace).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    app.advance(TimeDelta::milliseconds(59_999));
    assert_eq!(status(&old).await, 200);
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(status(&old).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_grace_cannot_call_client_routes() {
    let app = TestApp::start().await;
    let (made, old) = make(&app, json!({})).await;
    let regenerate = format!("{}/regenerate-key", path(&made));
    assert_eq!(old.post(&regenerate, &json!({ "graceSeconds": 60 })).await.status, 200);
    assert_eq!(old.get("/v1/service/consents").await.status, 200);
    let refused = [
        old.get(&path(&made)).await,
        old.post(&regenerate, &json!({})).await,
        old.post(&format!("{}/rotate-callback-secret", path(&made)), &json!({})).await,
    ];
    assert!(refused.iter().all(|reply| reply.status == 403), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn regenerating_again_ends_every_grace() {
    let app = TestApp::start().await;
    let (made, first) = make(&app, json!({})).await;
    let regenerate = format!("{}/regenerate-key", path(&made));
    let second = first.post(&regenerate, &json!({ "graceSeconds": 3_600 })).await;
    let second = Api::new(app.api.url(""), second.data()["apiKey"].as_str().unwrap().to_owned());
    assert_eq!(second.post(&regenerate, &json!({ "graceSeconds": 3_600 })).await.status, 200);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grace_is_within_a_day() {
    let app = TestApp::start().await;
    let (made, _) = make(&app, json!({})).await;
    for grace in [json!(-1), json!(86_401), json!("60"), json!(1.5)] {
        let body = json!({ "graceSeconds": grace });
        let reply = app.api.post(&format!("{}/regenerate-key", path(&made)), &body).await;
        assert_eq!(reply.errors(), ["graceSeconds:invalid_grace_seconds"], "{grace}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_same_new_key() {
    let app = TestApp::start().await;
    let (made, _) = make(&app, json!({})).await;
    let regenerate = format!("{}/regenerate-key", path(&made));
    let first = app.api.post_once(&regenerate, "once", &json!({})).await;
    let again = app.api.post_once(&regenerate, "once", &json!({})).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(first.data(), again.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_key_was_last_used_is_known() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({})).await;
    assert_eq!(status(&itself).await, 200);
    let used = app.clock().now();
    let shown = async || app.api.get(&path(&made)).await.data()["keyLastUsedAt"].clone();
    let time = |shown: Value| shown.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(time(shown().await), used, "at once where it was used");
    metering::write(&app.app).await;
    app.advance(TimeDelta::minutes(5));
    assert_eq!(time(app.twin().await.api.get(&path(&made)).await.data()["keyLastUsedAt"].clone()), used);
    assert_eq!(status(&itself).await, 200);
    assert_eq!(time(shown().await), used + TimeDelta::minutes(5));
    let rotated = app.api.post(&format!("{}/rotate-callback-secret", path(&made)), &json!({})).await;
    assert_eq!(time(rotated.data()["keyLastUsedAt"].clone()), used + TimeDelta::minutes(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_with_a_key_that_dies_meanwhile_is_told_nothing() {
    let app = TestApp::start().await;
    let (made, old) = make(&app, json!({})).await;
    let body = json!({ "recipient": "+1234567890", "purpose": "login" });
    let consent = format!("/v1/service/consents/{}", old.post("/v1/service/consents", &body).await.id());
    let waiting = tokio::spawn({
        let (old, path) = (old.clone(), format!("{consent}?wait=30"));
        async move { old.get(&path).await }
    });
    let client = made.id().parse().unwrap();
    let usage = || app.app.limiter.usage(client, Plan::Free.limits(), app.clock().now());
    while usage().minute.unwrap().used < 2 || usage().concurrent != Some((5, 0)) {
        tokio::task::yield_now().await;
    }
    let reply = app.api.post(&format!("{}/regenerate-key", path(&made)), &json!({})).await;
    let new = Api::new(app.api.url(""), reply.data()["apiKey"].as_str().unwrap().to_owned());
    assert_eq!(new.delete(&consent).await.status, 200);
    let told = waiting.await.unwrap();
    assert_eq!((told.status, told.data()), (401, &Value::Null));
}
