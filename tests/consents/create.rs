//! `POST /v1/service/consents/search` and `POST /v1/service/consents`.

use chrono::{SubsecRound, TimeDelta};
use serde_json::json;

use super::{CONSENTS, time};
use crate::support::{RECIPIENT, TestApp, is_legible, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn the_references_curl_answers_as_the_reference_shows() {
    let app = TestApp::start().await;
    let reply = app.api.post("/v1/service/consents/search", &reference_body()).await;
    assert_eq!(reply.status, 200);
    let (id, user_id) = (reply.id(), reply.data()["userId"].as_str().unwrap());
    assert!(id.starts_with("cs_") && id.len() == 29, "{id}");
    assert!(user_id.starts_with("usr_") && user_id.len() == 30, "{user_id}");
    let now = app.clock().now();
    let deadline = now + TimeDelta::minutes(1_440);
    let expected = json!({
        "code": 200,
        "message": "Consent session created",
        "data": {
            "id": id,
            "status": "pending",
            "recipient": RECIPIENT,
            "purpose": "identity_verification",
            "scope": ["name", "email", "phone"],
            "expiresAt": deadline.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "qrCode": app.url(&format!("/qr/{id}")),
            "url": app.url(&format!("/r/{id}")),
            "userId": user_id,
            "createdAt": time(now),
            "updatedAt": time(now),
            "scannedAt": null,
            "decidedAt": null,
            "callbackUrl": "https://yourapp.com/callback",
            "returnUrl": null,
            "grantedScope": null,
            "claims": null,
            "assurance": null,
            "requireAssurance": "any",
            "notify": false,
            "locale": null,
            "metadata": {},
            "watchToken": mobid::watch::token(app.app.vault.master(), &id, now),
        },
    });
    assert_eq!(reply.body, expected);
    assert_eq!(reply.header("etag"), "\"1\"");
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(reply.header("x-request-id").starts_with("req_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_create_routes_do_the_same() {
    let app = TestApp::start().await;
    let mut bodies = vec![];
    for path in ["/v1/service/consents/search", CONSENTS] {
        let mut reply = app.api.post(path, &reference_body()).await;
        assert_eq!(reply.header("etag"), "\"1\"");
        for name in ["id", "url", "qrCode", "watchToken"] {
            assert!(reply.body["data"].as_object_mut().unwrap().remove(name).is_some());
        }
        bodies.push(reply.body);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_asked_for_comes_back() {
    let app = TestApp::start().await;
    let body = json!({
        "recipient": "Ann.Example+test@Example.COM",
        "purpose": "a_purpose_of_ours",
        "scope": ["address", "birthdate", "shoe_size"],
        "callbackUrl": "http://127.0.0.1:9/callback?a=%C3%A9#x",
        "returnUrl": app.url("/thanks"),
        "expiresIn": 43_200,
        "requireAssurance": "passkey",
        "notify": true,
        "locale": "de-AT",
        "metadata": { "order": "42", "note": "ÄÖÜ 漢字 🎉\n\"quoted\"" },
    });
    let reply = app.api.post(CONSENTS, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    for (name, value) in body.as_object().unwrap() {
        if name != "expiresIn" {
            assert_eq!(&reply.data()[name], value, "{name}");
        }
    }
    let deadline = (app.clock().now() + TimeDelta::days(30)).trunc_subsecs(0);
    assert_eq!(reply.data()["expiresAt"], time(deadline));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_or_null_has_its_default() {
    let app = TestApp::start().await;
    let bare = json!({ "recipient": RECIPIENT, "purpose": "login" });
    let nulls = json!({ "recipient": RECIPIENT, "purpose": "login", "scope": null, "callbackUrl": null,
        "returnUrl": null, "expiresIn": null, "requireAssurance": null, "notify": null, "locale": null,
        "metadata": null });
    for body in [bare, nulls] {
        let reply = app.api.post(CONSENTS, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let data = reply.data();
        assert_eq!(data["scope"], json!([]));
        assert_eq!(data["callbackUrl"], json!(null));
        assert_eq!(data["requireAssurance"], "any");
        assert_eq!(data["notify"], false);
        assert_eq!(data["metadata"], json!({}));
        let deadline = (app.clock().now() + TimeDelta::days(1)).trunc_subsecs(0);
        assert_eq!(data["expiresAt"], time(deadline));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_the_same_to_one_client_and_another_to_the_next() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut users = vec![];
    for (api, recipient) in [
        (&app.api, "ann@example.com"),
        (&app.api, "Ann@Example.com"),
        (&app.api, "bob@example.com"),
        (&other, "ann@example.com"),
    ] {
        let reply = api.post(CONSENTS, &json!({ "recipient": recipient, "purpose": "login" })).await;
        assert_eq!(reply.data()["recipient"], recipient);
        users.push(reply.data()["userId"].clone());
    }
    assert_eq!(users[0], users[1], "an address is matched without regard to case");
    assert_ne!(users[0], users[2]);
    assert_ne!(users[0], users[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_legible_in_the_database() {
    let app = TestApp::start().await;
    let changes = json!({ "recipient": "legible@example.com", "metadata": { "key_in_clear": "value_in_clear" },
        "callbackUrl": "https://callback.example/in_clear" });
    let id = app.create_consent_with(changes).await;
    let update = json!({ "metadata": { "later_in_clear": "x" }, "callbackUrl": "https://later.example" });
    app.api.patch(&super::path_of(&id), &update).await;
    app.caught_up().await;
    assert!(is_legible(app.pool(), &id).await, "what is not secret is found");
    for secret in ["legible", "in_clear", "callback.example", "later.example"] {
        assert!(!is_legible(app.pool(), secret).await, "{secret}");
    }
}
