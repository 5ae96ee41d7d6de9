//! Ways through the pages on which something goes wrong, in a real browser.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::driver::Browser;
use super::enrolling::enroll;
use super::{consent, has_nothing_to_complain_of, is_sound, is_usable, last_code};
use crate::pages::wrong;
use crate::support::TestApp;
use crate::support::enrollee::{create, create_with};

async fn status(app: &TestApp, id: &str) -> Value {
    consent(app, id).await["status"].clone()
}

async fn open(app: &TestApp, browser: &Browser, id: &str) {
    browser.open(&app.url(&format!("/r/{id}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_end_a_code_and_a_new_one_goes_on_without_javascript() {
    let app = TestApp::start().await;
    let browser = Browser::start().await;
    let id = app.create_consent_with(json!({ "scope": ["name"] })).await;
    open(&app, &browser, &id).await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[value=approve]").await;
    let code = last_code(&app);
    for left in ["4 tries left", "3 tries left", "2 tries left", "1 try left"] {
        browser.enter(&wrong(&code)).await;
        assert!(browser.text("#problem").await.contains(left));
        is_sound(&browser).await;
    }
    browser.shoot("40-one-try-left").await;
    browser.enter(&wrong(&code)).await;
    assert_eq!(browser.text("h1").await, "This code no longer works");
    assert!(browser.all("#code").await.is_empty(), "there is nothing to enter it in");
    is_sound(&browser).await;
    browser.shoot("41-tried-too-often").await;
    assert_eq!(status(&app, &id).await, "pending");
    browser.press("form.more button").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Approved");
    assert_eq!(
        consent(&app, &id).await["claims"]["name"]["value"],
        "Ann Öberg",
        "what was entered is still there"
    );
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_was_copied_is_good_for_nothing_any_more() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    let authenticator = browser.add_authenticator().await;
    enroll(&app, &browser, &create(&app.api).await).await;
    let copy = browser.credentials(&authenticator).await[0].clone();
    let wanted = json!({ "requireAssurance": "passkey", "scope": [] });
    let (first, second) =
        (app.create_consent_with(wanted.clone()).await, app.create_consent_with(wanted).await);
    open(&app, &browser, &first).await;
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    browser.plant(&authenticator, &copy).await;
    open(&app, &browser, &second).await;
    browser.press("button[value=approve_by_passkey]").await;
    assert!(browser.text(".summary ul").await.contains("a copy of this passkey"));
    is_usable(&browser).await;
    browser.shoot("42-copied-passkey").await;
    browser.press("button[value=approve_by_passkey]").await;
    assert!(browser.text(".summary ul").await.contains("not the passkey that is needed here"));
    is_usable(&browser).await;
    browser.shoot("43-dropped-passkey").await;
    assert_eq!(status(&app, &second).await, "pending");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_company_blocked_is_told_so_and_works_again_when_it_is_not() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    enroll(&app, &browser, &create(&app.api).await).await;
    let device = app.api.get("/v1/devices").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let id = app.create_consent_with(json!({ "requireAssurance": "passkey", "scope": [] })).await;
    open(&app, &browser, &id).await;
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/block"), &json!({})).await.status, 200);
    browser.press("button[value=approve_by_passkey]").await;
    assert!(browser.text(".summary ul").await.contains("does not accept this passkey any more"));
    is_usable(&browser).await;
    browser.shoot("44-blocked-device").await;
    assert_eq!(status(&app, &id).await, "pending");
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/unblock"), &json!({})).await.status, 200);
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

/// The request is another one than the page shows.
async fn change(app: &TestApp, id: &str, purpose: &str) {
    let changed = app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": purpose })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_changes_under_a_code_starts_over_without_javascript() {
    let app = TestApp::start().await;
    let browser = Browser::start().await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    open(&app, &browser, &id).await;
    change(&app, &id, "payment").await;
    browser.press("button[value=approve]").await;
    assert_eq!(browser.text("h1").await, "The request has changed");
    is_sound(&browser).await;
    browser.shoot("45-changed-before-the-code").await;
    assert!(app.outbox().is_empty());
    browser.press(".actions a").await;
    assert!(browser.text("main").await.contains("Making a payment"), "what it is now is shown");
    browser.press("button[value=approve]").await;
    change(&app, &id, "login").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "The request has changed");
    assert_eq!(status(&app, &id).await, "pending");
    browser.press(".actions a").await;
    assert!(browser.text("main").await.contains("Signing you in"));
    browser.press("button[value=approve]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Approved");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_changes_under_a_passkey_starts_over() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    enroll(&app, &browser, &create(&app.api).await).await;
    let id = app.create_consent_with(json!({ "requireAssurance": "passkey", "scope": [] })).await;
    open(&app, &browser, &id).await;
    change(&app, &id, "payment").await;
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "The request has changed");
    is_usable(&browser).await;
    browser.shoot("46-changed-before-the-passkey").await;
    assert_eq!(status(&app, &id).await, "pending");
    browser.press(".actions a").await;
    assert!(browser.text("main").await.contains("Making a payment"));
    // The next change comes while the device asks its user.
    let wait = "const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = async (wanted) => {
            window.asked = true;
            while (!window.changed) await new Promise(requestAnimationFrame);
            return get(wanted);
        };";
    browser.run(wait).await;
    browser.click("button[value=approve_by_passkey]").await;
    browser.comes_true("window.asked === true").await;
    change(&app, &id, "login").await;
    browser.go("window.changed = true").await;
    assert_eq!(browser.text("h1").await, "The request has changed");
    assert_eq!(status(&app, &id).await, "pending");
    browser.press(".actions a").await;
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    assert_eq!(consent(&app, &id).await["purpose"], "login");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_expires_under_a_code_says_so_without_javascript() {
    let app = TestApp::start().await;
    let browser = Browser::start().await;
    let wanted = json!({ "scope": [], "expiresIn": 2 });
    let (first, second) =
        (app.create_consent_with(wanted.clone()).await, app.create_consent_with(wanted).await);
    open(&app, &browser, &first).await;
    browser.press("button[value=approve]").await;
    let code = last_code(&app);
    app.advance(TimeDelta::minutes(2));
    browser.enter(&code).await;
    assert_eq!(browser.text("h1").await, "This can no longer be done");
    is_sound(&browser).await;
    browser.shoot("47-expired-while-open").await;
    browser.press(".actions a").await;
    assert_eq!(browser.text("h1").await, "This request has expired");
    let sent = app.outbox().len();
    let third = app.create_consent_with(json!({ "scope": [], "expiresIn": 2 })).await;
    open(&app, &browser, &third).await;
    app.advance(TimeDelta::minutes(2));
    browser.press("button[value=reject]").await;
    assert_eq!(browser.text("h1").await, "This can no longer be done");
    assert_eq!(app.outbox().len(), sent, "no code for what is over");
    for id in [&first, &second, &third] {
        assert_eq!(status(&app, id).await, "expired");
    }
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_under_a_passkey_says_so() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    enroll(&app, &browser, &create(&app.api).await).await;
    let id =
        app.create_consent_with(json!({ "requireAssurance": "passkey", "scope": [], "expiresIn": 1 })).await;
    open(&app, &browser, &id).await;
    app.advance(TimeDelta::minutes(1));
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "This can no longer be done");
    is_usable(&browser).await;
    assert_eq!(status(&app, &id).await, "expired");
    let enrollment = create_with(&app.api, json!({ "recipient": "bob@example.com", "expiresIn": 1 })).await;
    open(&app, &browser, &enrollment).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    app.advance(TimeDelta::minutes(1));
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "This can no longer be done");
    browser.press(".actions a").await;
    assert_eq!(browser.text("h1").await, "This request has expired");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}
