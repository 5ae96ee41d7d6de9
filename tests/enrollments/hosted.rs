//! What the recipient of an enrollment sees and does.

use serde_json::{Value, json};

use super::{enrollment, status};
use crate::pages::{last_code, wrong};
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create, create_with, registered};

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_proves_the_handle_creates_a_passkey_and_uses_it() {
    let app = TestApp::start().await;
    let fields = json!({ "displayName": "Ann Example", "claims": { "name": "Ann Example", "tier": "gold" } });
    let id = create_with(&app.api, fields).await;
    let mut ann = Enrollee::new(&app.api);
    let page = ann.browser.open(&id).await;
    assert_eq!(page.heading(), "Owner asks you to set up a passkey");
    assert!(page.says("+1 ••• 90") && !page.says("Ann Example") && !page.says("gold"), "{}", page.html);

    let page = ann.prove(&app, &id).await;
    assert_eq!((page.status, page.heading()), (200, "Create your passkey"));
    assert!(page.says("Ann Example") && page.says("gold"), "{}", page.html);
    assert_eq!(status(&app, &id).await, "pending");

    let page = ann.passkey(&id).await;
    assert_eq!((page.status, page.heading()), (200, "Try your passkey"), "{}", page.html);
    let seen = enrollment(&app, &id).await;
    assert_eq!(seen["status"], "device_registered");
    let device = seen["deviceId"].as_str().unwrap();
    let device = app.api.get(&format!("/v1/devices/{device}")).await;
    assert_eq!(device.status, 200, "{}", device.text);
    assert_eq!(device.data()["userId"], seen["userId"]);
    assert_eq!(device.data()["status"], "active");
    let theirs = app.api.get(&format!("/v1/devices?userId={}", seen["userId"].as_str().unwrap())).await;
    assert_eq!(theirs.data()["items"], json!([device.data()]));
    assert_eq!(device.data()["transports"], json!(["internal", "hybrid"]));

    let page = ann.passkey(&id).await;
    assert_eq!((page.status, page.heading()), (200, "Your passkey is set up"), "{}", page.html);
    let seen = enrollment(&app, &id).await;
    assert_eq!(seen["status"], "completed");
    assert!(seen["completedAt"].is_string());
    let device = app.api.get(&format!("/v1/devices/{}", seen["deviceId"].as_str().unwrap())).await;
    assert!(device.data()["lastUsedAt"].is_string(), "{}", device.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_passkey_already_only_uses_it() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let other = app.other_client().await;
    let id = create(&other).await;
    let page = ann.prove(&app, &id).await;
    assert_eq!(page.heading(), "Use your passkey");
    let page = ann.passkey(&id).await;
    assert_eq!(page.heading(), "Your passkey is set up", "{}", page.html);
    let seen = other.get(&format!("/v1/enrollments/{id}")).await;
    assert_eq!(seen.data()["status"], "completed");
    let theirs = other.get("/v1/devices").await.data()["items"].as_array().unwrap().clone();
    let ours = app.api.get("/v1/devices").await.data()["items"].as_array().unwrap().clone();
    assert_eq!((theirs.len(), ours.len()), (1, 1));
    assert_ne!(theirs[0]["id"], ours[0]["id"], "nothing tells two clients that they have the same person");
    assert_ne!(theirs[0]["userId"], ours[0]["userId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_gets_the_same_device_again() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    ann.enroll(&app, &first).await;
    ann.prove(&app, &second).await;
    ann.passkey(&second).await;
    let (first, second) = (enrollment(&app, &first).await, enrollment(&app, &second).await);
    assert_eq!(second["status"], "completed");
    assert_eq!((&first["deviceId"], &first["userId"]), (&second["deviceId"], &second["userId"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_client_deregistered_is_another_one_the_next_time() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    ann.enroll(&app, &first).await;
    let device = enrollment(&app, &first).await["deviceId"].as_str().unwrap().to_owned();
    assert_eq!(app.api.delete(&format!("/v1/devices/{device}")).await.status, 200);
    ann.prove(&app, &second).await;
    ann.passkey(&second).await;
    let again = enrollment(&app, &second).await;
    assert_eq!(again["status"], "completed");
    assert_ne!(again["deviceId"], json!(device));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_device_does_not_enroll() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    ann.enroll(&app, &first).await;
    let device = enrollment(&app, &first).await["deviceId"].as_str().unwrap().to_owned();
    let block = format!("/v1/devices/{device}/block");
    assert_eq!(app.api.post(&block, &json!({})).await.status, 200);
    ann.prove(&app, &second).await;
    let page = ann.passkey(&second).await;
    assert_eq!(page.status, 422);
    assert!(page.says("does not accept this passkey any more"), "{}", page.html);
    assert_eq!(status(&app, &second).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_leads_nowhere_and_the_fifth_ends_it() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    assert_eq!(ann.browser.ask(&id, "enroll", &[]).await.status, 303);
    let code = last_code(&app);
    for _ in 0..5 {
        assert_eq!(ann.browser.enter(&id, &wrong(&code)).await.status, 422);
    }
    let page = ann.browser.enter(&id, &code).await;
    assert!(page.status == 422 && page.says("tried too often"), "{}", page.html);
    assert_eq!(ann.browser.open(&id).await.heading(), "Owner asks you to set up a passkey");
    assert_eq!(ann.try_begin(&id, &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passkey_step_says_what_it_needs_where_there_is_no_script() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    let page = ann.prove(&app, &id).await;
    assert!(page.says("<noscript>") && page.says("This step needs JavaScript"), "{}", page.html);
    let empty = json!({ "session": "" });
    let (csrf, path) = (page.field("csrf"), format!("/r/{id}/passkey"));
    let sent = ann.browser.post(&path, &[("csrf", &csrf), ("session", ""), ("credential", "")]).await;
    assert_eq!((sent.status, sent.heading()), (200, "Create your passkey"), "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_tries_that_fail_end_an_enrollment_on_its_page() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    for left in (0..5).rev() {
        let begun = ann.begin(&id, &[]).await;
        let mut credential = ann.answer(&begun);
        credential["response"]["signature"] = json!("MAA");
        let page = ann.finish(&id, &begun, &credential).await;
        if left > 0 {
            assert_eq!(page.status, 422, "{}", page.html);
        } else {
            assert_eq!((page.status, page.heading()), (200, "This did not work"), "{}", page.html);
        }
    }
    let seen = enrollment(&app, &id).await;
    assert_eq!((&seen["status"], &seen["failure"]), (&json!("failed"), &json!("too_many_tries")));
    assert_eq!(seen["completedAt"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_link_and_that_of_nothing_look_the_same() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    let never = ann.browser.open("enr_00000000000000000000000000").await;
    let none = ann.browser.open("enr_x").await;
    assert_eq!((never.status, none.status), (404, 404));
    assert_eq!(never.html, none.html);
}
