//! Codes that lead to an enrollment.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::path_of;
use crate::pages::last_code;
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{Api, Reply, TestApp};
use crate::watching::Page;

async fn generate(api: &Api, enrollment: &str) -> Reply {
    api.post("/v1/qr/generate", &json!({ "type": "enrollment", "referenceId": enrollment })).await
}

async fn status(app: &TestApp, id: &str) -> Value {
    app.api.get(&path_of(id)).await.data()["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_an_enrollment_is_scanned_by_the_first_action_and_used_once_it_is_complete() {
    let app = TestApp::start().await;
    let enrollment = create(&app.api).await;
    let code = generate(&app.api, &enrollment).await;
    let shown = code.data();
    assert_eq!((&shown["type"], &shown["referenceId"]), (&json!("enrollment"), &json!(enrollment)));
    for absent in ["matchingNumber", "result", "endReason"] {
        assert_eq!(shown[absent], Value::Null, "{absent}");
    }
    let id = code.id();
    let mut ann = Enrollee::new(&app.api);
    let led = ann.browser.get(&format!("/qr/{id}")).await;
    assert_eq!((led.status, led.location()), (303, format!("/r/{enrollment}?via={id}").as_str()));
    let page = ann.browser.get(led.location()).await;
    assert_eq!(page.field("via"), id);
    assert_eq!(status(&app, &id).await, "active", "a look records nothing: link previews look, too");
    assert_eq!(ann.browser.ask_from(&page, &enrollment, "enroll", &[("via", &id)]).await.status, 303);
    assert_eq!(status(&app, &id).await, "scanned");
    ann.browser.enter(&enrollment, &last_code(&app)).await;
    ann.passkey(&enrollment).await;
    assert_eq!(status(&app, &id).await, "scanned", "a passkey that was not used yet completes nothing");
    let before: i64 =
        sqlx::query_scalar("select max(position) from events").fetch_one(app.pool()).await.unwrap();
    ann.passkey(&enrollment).await;
    let used = app.api.get(&path_of(&id)).await;
    assert_eq!(used.data()["status"], "used");
    assert!(used.data()["usedAt"].is_string());
    // As it was before.
    let then = app.api.get(&format!("{}?asOf={before}", path_of(&id))).await;
    assert_eq!(then.data()["status"], "scanned", "{}", then.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ends_with_its_enrollment() {
    let app = TestApp::start().await;
    let (cancelled, late) = (create(&app.api).await, create_with(&app.api, json!({ "expiresIn": 5 })).await);
    let (of_cancelled, of_late) =
        (generate(&app.api, &cancelled).await.id(), generate(&app.api, &late).await);
    let seen = app.api.get(&format!("/v1/enrollments/{late}")).await;
    assert_eq!(of_late.data()["expiresAt"], seen.data()["expiresAt"], "no longer than what it leads to");
    app.api.delete(&format!("/v1/enrollments/{cancelled}")).await;
    assert_eq!(status(&app, &of_cancelled).await, "expired");
    app.advance(TimeDelta::minutes(5));
    assert_eq!(status(&app, &of_late.id()).await, "expired");
    let mut ann = Enrollee::new(&app.api);
    let page = ann.browser.get(&format!("/qr/{}", of_late.id())).await;
    assert_eq!((page.status, page.heading()), (410, "This QR code has expired"));
    for (enrollment, status) in [(&cancelled, "cancelled"), (&late, "expired")] {
        let reply = generate(&app.api, enrollment).await;
        assert_eq!((reply.status, &reply.data()["status"]), (409, &json!(status)), "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_code_for_the_enrollment_of_another_client() {
    let app = TestApp::start().await;
    let enrollment = create(&app.api).await;
    let other = app.other_client().await;
    let theirs = generate(&other, &enrollment).await;
    let nobodys = generate(&other, "enr_00000000000000000000000000").await;
    assert_eq!((theirs.status, theirs.errors()), (422, vec!["referenceId:unknown_reference".to_owned()]));
    assert_eq!(theirs.without_request_id(), nobodys.without_request_id());
    let missing = app.api.post("/v1/qr/generate", &json!({ "type": "enrollment" })).await;
    assert_eq!((missing.status, missing.errors()), (400, vec!["referenceId:required".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_the_codes_token_waits_until_the_enrollment_is_complete() {
    let app = TestApp::start().await;
    let enrollment = create(&app.api).await;
    let code = generate(&app.api, &enrollment).await;
    let (id, page) = (code.id(), Page::new(&app));
    let path = format!("{}?wait=30&watchToken={}", path_of(&id), code.data()["watchToken"].as_str().unwrap());
    let mut ann = Enrollee::new(&app.api);
    ann.browser.ask(&enrollment, "enroll", &[("via", &id)]).await;
    ann.browser.enter(&enrollment, &last_code(&app)).await;
    let waiting = tokio::spawn(async move { page.get(&path).await });
    ann.passkey(&enrollment).await;
    ann.passkey(&enrollment).await;
    let told = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap();
    assert_eq!(told.data()["status"], "used", "{}", told.text);
}
