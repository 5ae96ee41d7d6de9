//! `PUT` and `PATCH /v1/service/consents/{id}`: both change the fields that are present.

use chrono::{SubsecRound, TimeDelta};
use mobid_domain::consent::ConsentCommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{path_of, time};
use crate::support::{Reply, TestApp, approve, decide, passkey};

#[tokio::test(flavor = "multi_thread")]
async fn put_and_patch_change_each_field_and_nothing_else() {
    let app = TestApp::start().await;
    for method in [Method::PUT, Method::PATCH] {
        for (field, value) in [
            ("purpose", json!("login")),
            ("scope", json!(["address"])),
            ("scope", json!([])),
            ("callbackUrl", json!("https://elsewhere.example/x")),
            ("callbackUrl", json!(null)),
            ("metadata", json!({ "a": "b" })),
        ] {
            let id = app.create_consent_with(json!({ "metadata": { "was": "here" } })).await;
            app.advance(TimeDelta::seconds(1));
            let mut expected = app.api.get(&path_of(&id)).await.body;
            expected["message"] = json!("Consent session updated");
            expected["data"][field] = value.clone();
            expected["data"]["updatedAt"] = time(app.clock().now());
            let request = app.api.request(method.clone(), &path_of(&id)).json(&json!({ field: value }));
            let reply = Reply::of(request).await;
            assert_eq!(reply.status, 200, "{method} {field}: {}", reply.text);
            assert_eq!(reply.body, expected, "{method} {field}");
            assert_eq!(reply.header("etag"), "\"2\"");
            assert_eq!(app.api.get(&path_of(&id)).await.data(), reply.data());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_cleared_by_null_and_by_an_empty_object() {
    let app = TestApp::start().await;
    for nothing in [json!(null), json!({})] {
        let id = app.create_consent_with(json!({ "metadata": { "was": "here" } })).await;
        let reply = app.api.patch(&path_of(&id), &json!({ "metadata": nothing })).await;
        assert_eq!((reply.status, &reply.data()["metadata"]), (200, &json!({})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_deadline_counts_from_the_change() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "expiresIn": 10 })).await;
    app.advance(TimeDelta::minutes(9));
    let reply = app.api.patch(&path_of(&id), &json!({ "expiresIn": 10 })).await;
    let deadline = (app.clock().now() + TimeDelta::minutes(10)).trunc_subsecs(0);
    assert_eq!(reply.data()["expiresAt"], time(deadline));
    app.advance(TimeDelta::minutes(9));
    assert_eq!(app.api.get(&path_of(&id)).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_keeps_the_version() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "callbackUrl": null, "metadata": { "a": "b" } })).await;
    let before = app.api.get(&path_of(&id)).await;
    app.advance(TimeDelta::seconds(1));
    for same in [
        json!({}),
        json!({ "purpose": "identity_verification" }),
        json!({ "scope": ["name", "email", "phone"] }),
        json!({ "callbackUrl": null }),
        json!({ "metadata": { "a": "b" } }),
        json!({ "metadata": { "a": "b" }, "purpose": "identity_verification", "callbackUrl": null }),
    ] {
        let reply = app.api.patch(&path_of(&id), &same).await;
        assert_eq!((reply.status, reply.header("etag")), (200, "\"1\""), "{same}");
        assert_eq!(reply.data(), before.data(), "{same}");
    }
    let id = app.create_consent().await;
    let same = json!({ "callbackUrl": "https://yourapp.com/callback", "metadata": null });
    assert_eq!(app.api.patch(&path_of(&id), &same).await.header("etag"), "\"1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_pending_consent_can_be_changed() {
    let app = TestApp::start().await;
    let [approved, rejected, revoked, expired] = [
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent_with(json!({ "expiresIn": 1 })).await,
    ];
    approve(&app.app, &approved).await.unwrap();
    let reject = ConsentCommand::Reject { assurance: passkey(app.clock().now()) };
    decide(&app.app, &rejected, reject).await.unwrap();
    app.api.delete(&path_of(&revoked)).await;
    app.advance(TimeDelta::minutes(1));
    for (id, status) in
        [(approved, "approved"), (rejected, "rejected"), (revoked, "revoked"), (expired, "expired")]
    {
        let before = app.api.get(&path_of(&id)).await;
        for change in [json!({ "purpose": "login" }), json!({ "expiresIn": 100 }), json!({})] {
            for reply in
                [app.api.put(&path_of(&id), &change).await, app.api.patch(&path_of(&id), &change).await]
            {
                assert_eq!((reply.status, &reply.body["type"]), (409, &json!("conflict")), "{status}");
                assert_eq!(reply.data(), &json!({ "status": status }));
            }
        }
        assert_eq!(app.api.get(&path_of(&id)).await.data(), before.data());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipient_of_a_consent_cannot_be_changed() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for field in ["recipient", "returnUrl", "requireAssurance", "notify", "locale", "status", "id"] {
        let reply = app.api.patch(&path_of(&id), &json!({ field: Value::Null })).await;
        assert_eq!(reply.status, 400, "{field}");
        assert_eq!(reply.errors(), [format!("{field}:unknown_field")]);
    }
}
