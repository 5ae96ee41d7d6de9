//! The answer to a client's own `regenerate-key`, lost on its way: had again with the key that it replaced, by the same
//! request and no other.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::assert_replayed;
use crate::support::{Api, Reply, TestApp};

struct Regenerated {
    app: TestApp,
    id: String,
    /// With the key that was replaced.
    old: Api,
    first: Reply,
}

/// A client that has regenerated its own key.
async fn regenerated(body: &Value) -> Regenerated {
    let app = TestApp::start().await;
    let made = app.api.post("/v1/clients", &json!({ "name": "x", "permissions": ["consents:read"] })).await;
    let old = Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let first = old.post_once(&regenerate(&made.id()), "k", body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    Regenerated { id: made.id(), app, old, first }
}

fn regenerate(id: &str) -> String {
    format!("/v1/clients/{id}/regenerate-key")
}

impl Regenerated {
    async fn again(&self) -> Reply {
        self.old.post_once(&regenerate(&self.id), "k", &json!({})).await
    }

    fn newest(&self) -> Api {
        Api::new(self.app.url(""), self.first.data()["apiKey"].as_str().unwrap().to_owned())
    }
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(!reply.text.contains("qk_") && reply.header("idempotency-replayed").is_empty(), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lost_its_new_key_is_told_it_again_until_it_has_used_it() {
    let this = regenerated(&json!({})).await;
    assert_refused(&this.old.get("/v1/health").await, 401);
    assert_replayed(&this.first, &this.again().await);
    let twin = this.app.twin().await;
    assert_replayed(
        &this.first,
        &this.old.at(&twin.api).post_once(&regenerate(&this.id), "k", &json!({})).await,
    );
    assert_eq!(this.newest().get("/v1/health").await.status, 200);
    assert_refused(&this.again().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_its_grace_gets_that_answer_again_and_no_other() {
    let body = json!({ "graceSeconds": 3_600 });
    let this = regenerated(&body).await;
    let path = regenerate(&this.id);
    assert_replayed(&this.first, &this.old.post_once(&path, "k", &body).await);
    for (key, body) in [("other", &body), ("k", &json!({}))] {
        assert_refused(&this.old.post_once(&path, key, body).await, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_can_be_had_with_a_dead_key() {
    let this = regenerated(&json!({})).await;
    let (path, api) = (regenerate(&this.id), &this.old);
    let other = this.app.api.post("/v1/clients", &json!({ "name": "y", "permissions": [] })).await.id();
    for reply in [
        api.post(&path, &json!({})).await,
        api.post_once(&path, "K", &json!({})).await,
        api.post_once(&path, "", &json!({})).await,
        api.post_once(&path, "k", &json!({ "graceSeconds": 0 })).await,
        api.post_once(&format!("{path}?x=1"), "", &json!({})).await,
        api.post_once(&regenerate(&other), "k", &json!({})).await,
        api.post_once(&format!("/v1/clients/{}/rotate-callback-secret", this.id), "k", &json!({})).await,
        api.post_once("/v1/clients", "k", &json!({})).await,
        api.post_once("/v1/service/consents", "k", &json!({})).await,
        api.get(&format!("/v1/clients/{}", this.id)).await,
    ] {
        assert_refused(&reply, 401);
    }
    assert_replayed(&this.first, &this.again().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_answer_is_gone_ten_minutes_later() {
    let this = regenerated(&json!({})).await;
    this.app.advance(TimeDelta::minutes(10) - TimeDelta::microseconds(1));
    assert_replayed(&this.first, &this.again().await);
    this.app.advance(TimeDelta::microseconds(1));
    assert_refused(&this.again().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_answer_is_gone_with_the_next_key() {
    let this = regenerated(&json!({})).await;
    assert_eq!(this.app.api.post_once(&regenerate(&this.id), "k", &json!({})).await.status, 200);
    assert_refused(&this.again().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_client_is_told_no_key() {
    let this = regenerated(&json!({})).await;
    let path = format!("/v1/clients/{}", this.id);
    assert_eq!(this.app.api.patch(&path, &json!({ "status": "suspended" })).await.status, 200);
    assert_refused(&this.again().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_owner_replaced_is_told_nothing() {
    let app = TestApp::start().await;
    let made = app.api.post("/v1/clients", &json!({ "name": "x", "permissions": [] })).await;
    let old = Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    assert_eq!(app.api.post_once(&regenerate(&made.id()), "k", &json!({})).await.status, 200);
    assert_refused(&old.post_once(&regenerate(&made.id()), "k", &json!({})).await, 401);
}
