//! Every way in which a login fails, and what is recorded of it.

use chrono::TimeDelta;
use mobid_domain::fido::Reason;
use serde_json::{Value, json};

use crate::support::authenticator::{Authenticator, USER_PRESENT, begin, complete, device_of, log_in};
use crate::support::{Api, Reply, TestApp};

/// Makes an authenticator dishonest.
pub type Spoil = fn(&mut Authenticator);

/// The reason of a refusal, which the log must have as its last word on logins.
async fn reason(app: &TestApp, reply: &Reply) -> String {
    assert_eq!((reply.status, &reply.body["type"]), (422, &json!("validation_error")), "{}", reply.text);
    let last: (String, Value) = sqlx::query_as(
        "select event_type, payload::jsonb from events where aggregate_type = 'fido' order by position desc limit 1",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(last.0, "auth.failed");
    assert_eq!(last.1["data"]["reason"], reply.data()["reason"]);
    reply.data()["reason"].as_str().unwrap().to_owned()
}

/// A login by an authenticator that was spoilt, or whose answer is.
async fn spoilt(
    app: &TestApp,
    before: impl FnOnce(&mut Authenticator),
    after: impl FnOnce(&mut Value),
) -> String {
    let (device, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, Some("ann")).await;
    before(&mut authenticator);
    let mut credential = authenticator.get(&begun["publicKey"]);
    after(&mut credential);
    let reason = reason(app, &complete(&app.api, &begun, &credential).await).await;
    let path = format!("/v1/devices/{device}");
    assert_eq!(app.api.get(&path).await.data()["status"], "active");
    assert_eq!(app.api.delete(&path).await.status, 200);
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_refused_with_its_reason() {
    let app = TestApp::start().await;
    let nothing = |_: &mut Value| {};
    let cases: [(&str, Spoil); 6] = [
        ("origin_mismatch", |a| a.origin = "http://localhost:1".to_owned()),
        ("origin_mismatch", |a| a.origin = "https://localhost".to_owned()),
        ("origin_mismatch", |a| a.cross_origin = true),
        ("rp_id_mismatch", |a| a.rp_id = "other.example".to_owned()),
        ("user_not_verified", |a| a.flags = USER_PRESENT),
        ("user_not_verified", |a| a.flags = 0),
    ];
    for (expected, before) in cases {
        assert_eq!(spoilt(&app, before, nothing).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_tampered_with_has_no_valid_signature() {
    let app = TestApp::start().await;
    let (_, mut other) = device_of(&app.api, "bob").await;
    let others = other.get(&begin(&app.api, None).await["publicKey"])["response"].clone();
    for (field, value) in [
        ("signature", others["signature"].clone()),
        ("signature", json!("MAA")),
        ("signature", json!("")),
        ("authenticatorData", json!("")),
        ("clientDataJSON", json!("e30")),
    ] {
        let after = |credential: &mut Value| credential["response"][field] = value.clone();
        assert_eq!(spoilt(&app, |_| {}, after).await, "signature_invalid", "{field} {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_question_is_refused() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let (asked, other) = (begin(&app.api, None).await, begin(&app.api, None).await);
    let credential = authenticator.get(&other["publicKey"]);
    assert_eq!(reason(&app, &complete(&app.api, &asked, &credential).await).await, "challenge_mismatch");
    // Signed, but to register: its client data say so.
    let begun = begin(&app.api, None).await;
    let mut credential = authenticator.get(&begun["publicKey"]);
    let created = authenticator.create(&super::registering::begin(&app.api, "ann").await["publicKey"]);
    credential["response"]["clientDataJSON"] = created["response"]["clientDataJSON"].clone();
    assert_eq!(reason(&app, &complete(&app.api, &begun, &credential).await).await, "challenge_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_not_registered_for_the_login_is_unknown() {
    let app = TestApp::start().await;
    let (_, mut anns) = device_of(&app.api, "ann").await;
    let (_, mut bobs) = device_of(&app.api, "bob").await;
    let unknown = async |begun: Value, credential: Value| {
        let reply = complete(&app.api, &begun, &credential).await;
        assert_eq!(reason(&app, &reply).await, "unknown_credential");
    };
    // One that never was registered.
    let begun = begin(&app.api, None).await;
    let never = Authenticator::at(&app.url("")).get(&begun["publicKey"]);
    unknown(begun, never).await;
    // Somebody else's, where one user was asked for.
    let begun = begin(&app.api, Some("ann")).await;
    let credential = bobs.get(&begun["publicKey"]);
    unknown(begun, credential).await;
    // One that says it is somebody else's, and one that does not say where nobody was asked for.
    anns.user_handle.clone_from(&bobs.user_handle);
    for user in [None, Some("ann")] {
        let begun = begin(&app.api, user).await;
        let credential = anns.get(&begun["publicKey"]);
        unknown(begun, credential).await;
    }
    anns.user_handle = None;
    let begun = begin(&app.api, None).await;
    let credential = anns.get(&begun["publicKey"]);
    unknown(begun, credential).await;
    assert_eq!(
        log_in(&app.api, &mut anns, Some("ann")).await.status,
        200,
        "it need not say where it is known"
    );
}

/// A second client with the same RP id and origins: only whose passkey it is tells them apart.
async fn neighbour(app: &TestApp) -> Api {
    let other = app.other_client().await;
    let id = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let party = json!({ "rpId": "localhost", "origins": [app.url("")] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{id}"), &party).await.status, 200);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_another_tenant_logs_nobody_in() {
    let app = TestApp::start().await;
    let other = neighbour(&app).await;
    let (_, mut ours) = device_of(&app.api, "ann").await;
    let mut theirs = Authenticator::at(&app.url(""));
    assert_eq!(crate::support::authenticator::register(&other, &mut theirs, "ann").await.status, 200);
    for user in [None, Some("ann")] {
        let reply = log_in(&other, &mut ours, user).await;
        assert_eq!(reason(&app, &reply).await, "unknown_credential");
    }
    assert_eq!(log_in(&other, &mut theirs, Some("ann")).await.status, 200);
    assert_eq!(log_in(&app.api, &mut ours, Some("ann")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_good_once_in_time_and_for_who_began_it() {
    let app = TestApp::start().await;
    let other = neighbour(&app).await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, None).await;
    let credential = authenticator.get(&begun["publicKey"]);
    let expired = async |api: &Api, begun: &Value, credential: &Value| {
        assert_eq!(reason(&app, &complete(api, begun, credential).await).await, "session_expired");
    };
    expired(&other, &begun, &credential).await;
    app.advance(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert_eq!(complete(&app.api, &begun, &credential).await.status, 200);
    expired(&app.api, &begun, &credential).await;
    let begun = begin(&app.api, None).await;
    let credential = authenticator.get(&begun["publicKey"]);
    app.advance(TimeDelta::minutes(5));
    expired(&app.api, &begun, &credential).await;
    let never = json!({ "sessionId": "ses_01kb0m2x9qe3r8s6t4v2w0y5zh" });
    expired(&app.api, &never, &credential).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_uses_the_session_up() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, None).await;
    let good = authenticator.get(&begun["publicKey"]);
    let mut bad = good.clone();
    bad["response"]["signature"] = json!("MAA");
    assert_eq!(reason(&app, &complete(&app.api, &begun, &bad).await).await, "signature_invalid");
    assert_eq!(reason(&app, &complete(&app.api, &begun, &good).await).await, "session_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_or_deregistered_device_fails_at_once_on_every_instance() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (device, mut authenticator) = device_of(&app.api, "ann").await;
    // Both instances know it, and both have begun.
    for api in [&app.api, &twin.api] {
        assert_eq!(log_in(api, &mut authenticator, Some("ann")).await.status, 200);
    }
    let begun = [begin(&app.api, Some("ann")).await, begin(&app.api, Some("ann")).await];
    let path = format!("/v1/devices/{device}");
    assert_eq!(app.api.post(&format!("{path}/block"), &json!({})).await.status, 200);
    for (api, begun) in [&twin.api, &app.api].into_iter().zip(&begun) {
        let credential = authenticator.get(&begun["publicKey"]);
        assert_eq!(reason(&app, &complete(api, begun, &credential).await).await, "device_blocked");
    }
    assert_eq!(app.api.post(&format!("{path}/unblock"), &json!({})).await.status, 200);
    assert_eq!(log_in(&twin.api, &mut authenticator, Some("ann")).await.status, 200);
    assert_eq!(twin.api.delete(&path).await.status, 200);
    for api in [&app.api, &twin.api] {
        let reply = log_in(api, &mut authenticator, None).await;
        assert_eq!(reason(&app, &reply).await, "unknown_credential");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_went_back_fails_the_login_and_blocks_the_device() {
    let app = TestApp::start().await;
    for back in [0, 1, 2] {
        let (device, mut authenticator) = device_of(&app.api, "ann").await;
        authenticator.counter = Some(9);
        assert_eq!(log_in(&app.api, &mut authenticator, Some("ann")).await.status, 200);
        // 10 is where it was; it counts on by one before it signs.
        authenticator.counter = Some(9 - back);
        let reply = log_in(&app.api, &mut authenticator, None).await;
        assert_eq!(reason(&app, &reply).await, "counter_regressed");
        let seen = app.api.get(&format!("/v1/devices/{device}")).await;
        assert_eq!((&seen.data()["status"], &seen.data()["signCount"]), (&json!("blocked"), &json!(10)));
        let block = json!({ "because": "counter_regressed", "reason": null, "at": app.clock().now() });
        assert_eq!(seen.data()["block"], block);
        authenticator.counter = Some(100);
        let reply = log_in(&app.api, &mut authenticator, None).await;
        assert_eq!(reason(&app, &reply).await, "device_blocked");
        assert_eq!(app.api.post(&format!("/v1/devices/{device}/unblock"), &json!({})).await.status, 200);
        assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    }
}

/// Whoever has no key can block nothing: a counter counts only where its signature holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_nobody_signed_blocks_nothing() {
    let app = TestApp::start().await;
    let (device, mut authenticator) = device_of(&app.api, "ann").await;
    authenticator.counter = Some(9);
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    let mut forger = Authenticator::at(&app.url(""));
    forger.credential_id.clone_from(&authenticator.credential_id);
    forger.user_handle.clone_from(&authenticator.user_handle);
    let reply = log_in(&app.api, &mut forger, None).await;
    assert_eq!(reason(&app, &reply).await, "signature_invalid");
    assert_eq!(app.api.get(&format!("/v1/devices/{device}")).await.data()["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_credential_is_a_bad_field_and_leaves_the_session() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, None).await;
    for bad in [json!({}), json!("x"), json!({ "id": "AQID", "rawId": "BAUG", "type": "public-key" })] {
        let reply = complete(&app.api, &begun, &bad).await;
        assert_eq!((reply.status, reply.errors()), (422, vec!["credential:invalid_credential".to_owned()]));
    }
    let credential = authenticator.get(&begun["publicKey"]);
    let reply = complete(&app.api, &json!({ "sessionId": "x" }), &credential).await;
    assert_eq!((reply.status, reply.errors()), (422, vec!["sessionId:invalid_session_id".to_owned()]));
    assert_eq!(complete(&app.api, &begun, &credential).await.status, 200);
}

#[test]
fn every_reason_is_provoked_here() {
    let here = include_str!("failures.rs");
    for reason in Reason::ALL {
        assert!(here.contains(&format!("\"{reason}\"")), "{reason}");
    }
}
