//! A passkey logs its user in.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::authenticator::{BACKED_UP, BACKUP_ELIGIBLE, begin, complete, device_of, log_in};
use crate::support::{TestApp, is_legible};

const BEGIN: &str = "/v1/auth/fido/authenticate/begin";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_by_name_or_without_saying_who_they_are() {
    let app = TestApp::start().await;
    let (device, mut authenticator) = device_of(&app.api, "ann").await;
    for user in [Some("ann"), None] {
        let reply = log_in(&app.api, &mut authenticator, user).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let expected = json!({ "verified": true, "userId": "ann", "deviceId": device, "userVerified": true });
        assert_eq!(reply.data(), &expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_asked_for_the_active_passkeys_of_the_user_alone() {
    let app = TestApp::start().await;
    let (_, first) = device_of(&app.api, "ann").await;
    let (blocked, _) = device_of(&app.api, "ann").await;
    device_of(&app.api, "bob").await;
    assert_eq!(app.api.post(&format!("/v1/devices/{blocked}/block"), &json!({})).await.status, 200);
    let options = begin(&app.api, Some("ann")).await["publicKey"].clone();
    let expected =
        json!([{ "type": "public-key", "id": first.get_id(), "transports": ["internal", "hybrid"] }]);
    assert_eq!(options["allowCredentials"], expected);
    assert_eq!((&options["rpId"], &options["userVerification"]), (&json!("localhost"), &json!("required")));
    assert_eq!(begin(&app.api, None).await["publicKey"]["allowCredentials"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_an_active_device_cannot_begin() {
    let app = TestApp::start().await;
    let (device, _) = device_of(&app.api, "ann").await;
    let refused = async |user: &str| {
        let reply = app.api.post(BEGIN, &json!({ "userId": user })).await;
        assert_eq!((reply.status, reply.errors()), (422, vec!["userId:no_active_device".to_owned()]));
    };
    refused("nobody").await;
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/block"), &json!({})).await.status, 200);
    refused("ann").await;
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/unblock"), &json!({})).await.status, 200);
    begin(&app.api, Some("ann")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_moves_its_device_on() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    authenticator.counter = Some(41);
    app.advance(TimeDelta::seconds(10));
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    let device = app.api.get(&format!("/v1/devices/{id}")).await;
    assert_eq!(device.data()["signCount"], 42);
    assert_eq!(device.data()["lastUsedAt"], json!(app.clock().now()));
    assert_eq!(device.header("etag"), "\"2\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_may_become_one_that_is_backed_up() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    let backup = async || {
        let device = app.api.get(&format!("/v1/devices/{id}")).await;
        (device.data()["backupEligible"].clone(), device.data()["backedUp"].clone())
    };
    assert_eq!(backup().await, (json!(false), json!(false)));
    authenticator.flags |= BACKUP_ELIGIBLE;
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    assert_eq!(backup().await, (json!(true), json!(false)));
    authenticator.flags |= BACKED_UP;
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    assert_eq!(backup().await, (json!(true), json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_that_does_not_count_logs_in_as_often_as_one_likes() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    authenticator.counter = None;
    for _ in 0..3 {
        assert_eq!(log_in(&app.api, &mut authenticator, Some("ann")).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_as_many_devices_as_they_like() {
    let app = TestApp::start().await;
    let mut devices = vec![];
    for _ in 0..3 {
        devices.push(device_of(&app.api, "ann").await);
    }
    for (id, authenticator) in &mut devices {
        let reply = log_in(&app.api, authenticator, Some("ann")).await;
        assert_eq!(reply.data()["deviceId"], json!(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_sent_again_gets_the_first_answer_again() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, None).await;
    let credential = authenticator.get(&begun["publicKey"]);
    let body = json!({ "sessionId": begun["sessionId"], "credential": credential });
    let path = "/v1/auth/fido/authenticate/complete";
    let first = app.api.post_once(path, "k", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    for api in [&app.api, &twin.api] {
        let again = api.post_once(path, "k", &body).await;
        assert_eq!(
            (again.text.as_str(), again.header("idempotency-replayed")),
            (first.text.as_str(), "true")
        );
    }
    // And so does one that failed.
    let bad = app.api.post_once(path, "other", &body).await;
    assert_eq!(bad.data()["reason"], "session_expired");
    let again = twin.api.post_once(path, "other", &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (422, "true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_in_the_log_and_nothing_of_it_is_legible() {
    let app = TestApp::start().await;
    let (device, mut authenticator) = device_of(&app.api, "legible-reference").await;
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    let begun = begin(&app.api, Some("legible-reference")).await;
    let mut credential = authenticator.get(&begun["publicKey"]);
    credential["response"]["signature"] = json!("MAA");
    assert_eq!(complete(&app.api, &begun, &credential).await.status, 422);
    let logged: Vec<(String, String)> = sqlx::query_as(
        "select event_type, payload::text from events where aggregate_type = 'fido' order by position",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let names: Vec<_> = logged.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["auth.success", "auth.failed"]);
    let data = |n: usize| serde_json::from_str::<Value>(&logged[n].1).unwrap()["data"].clone();
    assert_eq!((&data(0)["deviceId"], &data(0)["userVerified"]), (&json!(device), &json!(true)));
    assert_eq!((&data(1)["deviceId"], &data(1)["reason"]), (&json!(device), &json!("signature_invalid")));
    app.caught_up().await;
    let client_data = credential["response"]["clientDataJSON"].as_str().unwrap();
    for text in ["legible-reference", client_data] {
        assert!(!is_legible(app.pool(), text).await, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_login_did_to_its_device_says_which_login_it_was() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    authenticator.counter = Some(0);
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 422);
    let told: Vec<(String, Option<String>)> = sqlx::query_as(
        "select aggregate_id, metadata ->> 'causation' from events
         where event_type in ('device.used', 'device.blocked', 'auth.success', 'auth.failed') order by position",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let [used, success, blocked, failed] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((used.1.as_ref(), blocked.1.as_ref()), (Some(&success.0), Some(&failed.0)));
}
