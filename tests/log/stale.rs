//! What an instance remembers of an aggregate is a hint: behind its back another instance may have changed it.

use chrono::TimeDelta;
use mobid::event_store::ExecuteError;
use mobid_domain::consent::{ConsentError, Status};
use serde_json::json;

use crate::support::{TestApp, approve};

/// A consent that the first instance remembers as pending at its first version.
async fn remembered(app: &TestApp) -> (String, String) {
    let id = app.create_consent_with(json!({ "expiresIn": 10 })).await;
    let path = format!("/v1/service/consents/{id}");
    (id, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_elsewhere_is_refused_here() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (id, path) = remembered(&app).await;
    assert_eq!(twin.api.delete(&path).await.status, 200);
    let refused = approve(&app.app, &id).await.unwrap_err();
    assert!(
        matches!(refused, ExecuteError::Refused(ConsentError::AlreadyClosed(Status::Revoked))),
        "{refused}"
    );
    for reply in [app.api.delete(&path).await, app.api.patch(&path, &json!({})).await] {
        assert_eq!((reply.status, reply.data()), (409, &json!({ "status": "revoked" })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_become_legal_elsewhere_is_not_refused_here() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (id, path) = remembered(&app).await;
    twin.api.patch(&path, &json!({ "expiresIn": 100 })).await;
    app.advance(TimeDelta::minutes(50));
    approve(&app.app, &id).await.unwrap();
    assert_eq!(app.api.get(&path).await.header("etag"), "\"3\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_nothing_is_compared_with_how_it_is_now() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (_, path) = remembered(&app).await;
    twin.api.patch(&path, &json!({ "purpose": "login", "callbackUrl": null })).await;
    let back = json!({ "purpose": "identity_verification", "callbackUrl": "https://yourapp.com/callback" });
    let reply = app.api.patch(&path, &back).await;
    assert_eq!((reply.status, reply.header("etag")), (200, "\"3\""));
    assert_eq!(twin.api.get(&path).await.data()["purpose"], "identity_verification");
    assert_eq!(twin.api.get(&path).await.data()["callbackUrl"], "https://yourapp.com/callback");
    let same = twin.api.patch(&path, &back).await;
    assert_eq!((same.status, same.header("etag")), (200, "\"3\""), "and now it does change nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_compared_with_the_one_there_is_now() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (_, path) = remembered(&app).await;
    twin.api.patch(&path, &json!({ "purpose": "login" })).await;
    let delete = async |version: &str| {
        let request = app.api.request(reqwest::Method::DELETE, &path).header("If-Match", version);
        crate::support::Reply::of(request).await
    };
    let stale = delete("\"1\"").await;
    assert_eq!((stale.status, stale.data()), (409, &json!({ "etag": "\"2\"" })));
    assert_eq!(delete("\"2\"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_anywhere_shows_what_was_acknowledged_anywhere() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for _ in 0..20 {
        let (id, path) = remembered(&app).await;
        assert_eq!(twin.api.get(&path).await.data()["status"], "pending");
        let newest = twin.api.get("/v1/service/consents?limit=1").await;
        assert_eq!(newest.data()["items"][0]["id"], id);
        twin.api.delete(&path).await;
        assert_eq!(app.api.get(&path).await.data()["status"], "revoked");
        let newest = app.api.get("/v1/service/consents?limit=1").await;
        assert_eq!(newest.data()["items"][0]["status"], "revoked");
    }
}
