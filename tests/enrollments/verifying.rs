//! `verify`: the enrolled passkey answers in an app, by way of its client.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{enrollment, status};
use crate::support::authenticator::{USER_PRESENT, device_of};
use crate::support::enrollee::{Enrollee, create, registered};
use crate::support::{Reply, TestApp};

async fn begin(app: &TestApp, id: &str) -> Value {
    let reply = app.api.post(&format!("/v1/enrollments/{id}/verify"), &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data().clone()
}

async fn complete(app: &TestApp, id: &str, begun: &Value, credential: &Value) -> Reply {
    let body = json!({ "sessionId": begun["sessionId"], "credential": credential });
    app.api.post(&format!("/v1/enrollments/{id}/verify"), &body).await
}

fn reason(reply: &Reply) -> &str {
    assert_eq!(reply.status, 422, "{}", reply.text);
    reply.body["data"]["reason"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_verifies_the_enrolled_passkey() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let begun = begin(&app, &id).await;
    assert_eq!(begun["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(begun["publicKey"]["userVerification"], "required");
    let credential = ann.authenticator.get(&begun["publicKey"]);
    let done = complete(&app, &id, &begun, &credential).await;
    assert_eq!((done.status, &done.data()["status"]), (200, &json!("completed")), "{}", done.text);
    let again = complete(&app, &id, &begun, &credential).await;
    assert_eq!(again.status, 409, "{}", again.text);
    assert_eq!(again.body["data"]["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_enrollment_has_nothing_to_verify() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let reply = app.api.post(&format!("/v1/enrollments/{id}/verify"), &json!({})).await;
    assert_eq!((reply.status, &reply.body["data"]["status"]), (409, &json!("pending")), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_says_which_half_is_missing() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let begun = begin(&app, &id).await;
    let credential = ann.authenticator.get(&begun["publicKey"]);
    let path = format!("/v1/enrollments/{id}/verify");
    let reply = app.api.post(&path, &json!({ "credential": credential })).await;
    assert_eq!((reply.status, reply.errors()), (400, vec!["sessionId:required".to_owned()]));
    let reply = app.api.post(&path, &json!({ "sessionId": begun["sessionId"] })).await;
    assert_eq!((reply.status, reply.errors()), (400, vec!["credential:required".to_owned()]));
    assert_eq!(status(&app, &id).await, "device_registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_has_its_reason_and_the_fifth_fails_the_enrollment() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let try_with = async |ann: &mut Enrollee, spoil: &dyn Fn(&mut Enrollee, &mut Value)| {
        let mut begun = begin(&app, &id).await;
        spoil(ann, &mut begun);
        let credential = ann.authenticator.get(&begun["publicKey"]);
        complete(&app, &id, &begun, &credential).await
    };
    let origin = ann.authenticator.origin.clone();
    let reply =
        try_with(&mut ann, &|ann, _| ann.authenticator.origin = "https://evil.example".to_owned()).await;
    assert_eq!(reason(&reply), "origin_mismatch");
    ann.authenticator.origin = origin;
    let reply = try_with(&mut ann, &|ann, _| ann.authenticator.rp_id = "evil.example".to_owned()).await;
    assert_eq!(reason(&reply), "rp_id_mismatch");
    ann.authenticator.rp_id = "localhost".to_owned();
    let flags = ann.authenticator.flags;
    let reply = try_with(&mut ann, &|ann, _| ann.authenticator.flags = USER_PRESENT).await;
    assert_eq!(reason(&reply), "user_not_verified");
    ann.authenticator.flags = flags;
    let reply = try_with(&mut ann, &|_, begun| begun["publicKey"]["challenge"] = json!("AAAA")).await;
    assert_eq!(reason(&reply), "challenge_mismatch");
    assert_eq!(status(&app, &id).await, "device_registered");
    let begun = begin(&app, &id).await;
    let mut credential = ann.authenticator.get(&begun["publicKey"]);
    credential["response"]["signature"] = json!("MAA");
    assert_eq!(reason(&complete(&app, &id, &begun, &credential).await), "signature_invalid");
    assert_eq!(enrollment(&app, &id).await["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_good_once_for_five_minutes_for_its_enrollment_and_client() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let begun = begin(&app, &id).await;
    let credential = ann.authenticator.get(&begun["publicKey"]);
    app.advance(TimeDelta::minutes(5));
    assert_eq!(reason(&complete(&app, &id, &begun, &credential).await), "session_expired");
    let begun = begin(&app, &id).await;
    let mut spoilt = ann.authenticator.get(&begun["publicKey"]);
    spoilt["response"]["signature"] = json!("MAA");
    assert_eq!(reason(&complete(&app, &id, &begun, &spoilt).await), "signature_invalid");
    let credential = ann.authenticator.get(&begun["publicKey"]);
    assert_eq!(reason(&complete(&app, &id, &begun, &credential).await), "session_expired");
    let other = app.other_client().await;
    let reply = other.post(&format!("/v1/enrollments/{id}/verify"), &json!({})).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_the_clients_own_pages_does_not_enroll_nor_a_hosted_one_log_in() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let (_, mut own) = device_of(&app.api, "ann").await;
    let begun = begin(&app, &id).await;
    let credential = own.get(&begun["publicKey"]);
    assert_eq!(reason(&complete(&app, &id, &begun, &credential).await), "unknown_credential");
    let begun = ann.begin(&id, &[]).await;
    let credential = own.get(&begun["get"]);
    let page = ann.finish(&id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    let reply = crate::support::authenticator::log_in(&app.api, &mut ann.authenticator, None).await;
    assert_eq!(reason(&reply), "unknown_credential");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_ends_the_passkey_everywhere() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    ann.passkey(&id).await;
    ann.authenticator.counter = Some(9);
    ann.passkey(&id).await;
    assert_eq!(status(&app, &id).await, "completed");
    ann.authenticator.counter = Some(3);
    let second = create(&app.api).await;
    ann.prove(&app, &second).await;
    let page = ann.passkey(&second).await;
    assert!(page.status == 422 && page.says("There seems to be a copy"), "{}", page.html);
    assert_eq!(status(&app, &second).await, "pending");
    ann.authenticator.counter = Some(99);
    let page = ann.browser.open(&second).await;
    assert_eq!(page.heading(), "Create your passkey", "the one there was is gone");
}
