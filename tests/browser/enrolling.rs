//! An enrollment in a real browser, with its virtual authenticator, at the size of a desk and with a script.

use serde_json::json;

use super::driver::Browser;
use super::{has_nothing_to_complain_of, is_usable, last_code};
use crate::support::TestApp;
use crate::support::enrollee::{create, create_with};

async fn status(app: &TestApp, id: &str) -> String {
    let reply = app.api.get(&format!("/v1/enrollments/{id}")).await;
    reply.data()["status"].as_str().unwrap().to_owned()
}

/// Goes through an enrollment with the authenticator that the browser has.
pub async fn enroll(app: &TestApp, browser: &Browser, id: &str) {
    browser.open(&app.url(&format!("/r/{id}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(app)).await;
    browser.press("button[data-passkey]").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(status(app, id).await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_enrolls_with_a_passkey() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let claims =
        json!({ "displayName": "Ann Example", "claims": { "name": "Ann Example", "membership": "Gold" } });
    let id = create_with(&app.api, claims).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    assert_eq!(browser.text("h1").await, "Owner asks you to set up a passkey");
    is_usable(&browser).await;
    browser.shoot("20-enroll").await;
    browser.press("button[value=enroll]").await;
    assert_eq!(browser.text("h1").await, "Enter your code to go on");
    is_usable(&browser).await;
    browser.shoot("21-enroll-code").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Create your passkey");
    is_usable(&browser).await;
    browser.shoot("22-create-passkey").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Try your passkey");
    assert_eq!(status(&app, &id).await, "device_registered");
    is_usable(&browser).await;
    browser.shoot("23-try-passkey").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Your passkey is set up");
    assert_eq!(status(&app, &id).await, "completed");
    is_usable(&browser).await;
    browser.shoot("24-enrolled").await;

    let again = create(&app.api).await;
    browser.open(&app.url(&format!("/r/{again}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Use your passkey");
    is_usable(&browser).await;
    browser.shoot("25-passkey-there").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Your passkey is set up");
    assert_eq!(status(&app, &again).await, "completed");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_approves_with_the_passkey_and_withdraws_with_it() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let enrollment = create(&app.api).await;
    enroll(&app, &browser, &enrollment).await;
    let sent = app.outbox().len();

    let wanted = json!({ "requireAssurance": "passkey", "scope": ["name", "email"] });
    let id = app.create_consent_with(wanted).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    is_usable(&browser).await;
    browser.shoot("30-approve-by-passkey-only").await;
    browser.click("#tick-email").await;
    browser.press("button[data-passkey][value=approve_by_passkey]").await;
    assert_eq!(browser.text(".summary h2").await, "Please check");
    browser.shoot("31-passkey-wrong-value").await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[data-passkey][value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    is_usable(&browser).await;
    browser.shoot("32-approved-by-passkey").await;
    let seen = super::consent(&app, &id).await;
    assert_eq!(seen["assurance"]["method"], "passkey");
    assert_eq!(seen["grantedScope"], json!(["name"]));
    browser.press("button[data-passkey][value=withdraw_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Consent withdrawn");
    assert_eq!(super::consent(&app, &id).await["status"], "revoked");

    let either = app.create_consent_with(json!({ "scope": [] })).await;
    browser.open(&app.url(&format!("/r/{either}"))).await;
    is_usable(&browser).await;
    browser.shoot("33-code-or-passkey").await;
    browser.press("button[data-passkey][value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    browser.shoot("34-approved-withdraw-either-way").await;
    assert_eq!(app.outbox().len(), sent, "no code was needed");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_the_passkey_says_so_and_stays_where_it_is() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    let id = create(&app.api).await;
    crate::support::enrollee::Enrollee::new(&app.api).enroll(&app, &id).await;
    let again = create(&app.api).await;
    browser.add_authenticator().await;
    browser.open(&app.url(&format!("/r/{again}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Use your passkey");
    browser.click("button[data-passkey]").await;
    browser.appears("[data-trouble]:not([hidden])").await;
    assert!(browser.text("[data-trouble]").await.starts_with("Nothing happened"));
    is_usable(&browser).await;
    browser.shoot("26-passkey-stopped").await;
    assert_eq!(status(&app, &again).await, "pending");
    browser.press("form[action$=recover] button").await;
    assert_eq!(browser.text("h1").await, "Create your passkey");
    browser.press("button[data-passkey]").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(status(&app, &again).await, "completed");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_an_enrollment_has_its_page_and_without_a_script_it_says_what_it_needs() {
    let app = TestApp::start().await;
    let browser = Browser::start().await;
    let id = create_with(&app.api, json!({ "expiresIn": 1 })).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Create your passkey");
    super::is_sound(&browser).await;
    assert_eq!(browser.text("noscript h2, .aside h2").await, "This step needs JavaScript");
    browser.shoot("27-no-script").await;
    app.advance(chrono::TimeDelta::minutes(1));
    browser.open(&app.url(&format!("/r/{id}"))).await;
    assert_eq!(browser.text("h1").await, "This request has expired");
    super::is_sound(&browser).await;
    browser.shoot("28-enrollment-expired").await;
    let cancelled = create(&app.api).await;
    app.api.delete(&format!("/v1/enrollments/{cancelled}")).await;
    browser.open(&app.url(&format!("/r/{cancelled}"))).await;
    assert_eq!(browser.text("h1").await, "The request was taken back");
    browser.shoot("29-enrollment-cancelled").await;
    browser.quit().await;
}
