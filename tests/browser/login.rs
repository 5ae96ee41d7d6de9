//! A login by QR code in a real browser: the code is scanned by opening what it says, and the number typed.

use chrono::TimeDelta;
use serde_json::json;

use super::driver::Browser;
use super::{is_sound, is_usable, last_code};
use crate::support::TestApp;
use crate::support::enrollee::create_with;
use crate::support::login::{Login, generate, generate_for};

/// Opens what the code says, as a phone's camera does.
async fn scan(app: &TestApp, browser: &Browser, login: &Login) {
    let seen = login.seen(&app.api).await;
    browser.open(seen["url"].as_str().unwrap()).await;
}

/// What is left to complain of, but for answers that are no success, which pages of ours may well be.
async fn has_nothing_to_complain_of(browser: &Browser) {
    let mut complaints = browser.complaints().await;
    complaints.retain(|complaint| !complaint.contains("Failed to load resource"));
    assert_eq!(complaints, Vec::<String>::new());
}

async fn enroll(app: &TestApp, browser: &Browser) -> String {
    let id = create_with(&app.api, json!({ "displayName": "Ann Example" })).await;
    let code = app.api.post("/v1/qr/generate", &json!({ "type": "enrollment", "referenceId": id })).await;
    browser.open(code.data()["url"].as_str().unwrap()).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(app)).await;
    assert_eq!(browser.text("h1").await, "Create your passkey");
    browser.press("button[data-passkey]").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Your passkey is set up");
    assert_eq!(app.api.get(&format!("/v1/qr/{}", code.id())).await.data()["status"], "used");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_enrolls_approves_logs_in_by_qr_code_and_withdraws() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let enrollment = enroll(&app, &browser).await;
    is_usable(&browser).await;
    browser.shoot("40-chain-enrolled").await;
    let sent = app.outbox().len();

    let consent = app.create_consent_with(json!({ "scope": ["name"] })).await;
    browser.open(&app.url(&format!("/qr/{consent}"))).await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[data-passkey][value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    is_usable(&browser).await;
    browser.shoot("41-chain-approved").await;

    let login = generate(&app.api).await;
    scan(&app, &browser, &login).await;
    assert_eq!(browser.text("h1").await, "Sign in to Owner");
    is_usable(&browser).await;
    browser.shoot("42-login-number").await;
    // The field has the focus already, and Enter sends: nobody needs a mouse.
    browser.enter(&login.wrong(1)).await;
    assert!(browser.title().await.starts_with("Error: "));
    assert_eq!(browser.text("#tries").await, "You have 2 tries left.");
    is_usable(&browser).await;
    browser.shoot("43-login-wrong-number").await;
    browser.enter(&login.number).await;
    assert_eq!(browser.text("h1").await, "Confirm with your passkey");
    is_usable(&browser).await;
    browser.shoot("44-login-passkey").await;
    assert_eq!(login.seen(&app.api).await["status"], "scanned");
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "You are signed in");
    is_usable(&browser).await;
    browser.shoot("45-logged-in").await;
    let seen = login.seen(&app.api).await;
    let enrolled = app.api.get(&format!("/v1/enrollments/{enrollment}")).await;
    assert_eq!(seen["status"], "used");
    assert_eq!(seen["result"], json!({ "userId": enrolled.data()["userId"], "userVerified": true }));

    browser.open(&app.url(&format!("/r/{consent}"))).await;
    browser.press("button[data-passkey][value=withdraw_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Consent withdrawn");
    is_usable(&browser).await;
    browser.shoot("46-chain-withdrawn").await;
    let seen = super::consent(&app, &consent).await;
    assert_eq!((&seen["status"], &seen["userId"]), (&json!("revoked"), &enrolled.data()["userId"]));
    assert_eq!(app.outbox().len(), sent, "no code was needed after the first");
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_passkey_stays_where_they_are_and_can_cancel() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let login = generate(&app.api).await;
    scan(&app, &browser, &login).await;
    browser.enter(&login.number).await;
    browser.click("button[data-passkey]").await;
    browser.appears("[data-trouble]:not([hidden])").await;
    assert!(browser.text("[data-trouble]").await.starts_with("Nothing happened"));
    is_usable(&browser).await;
    browser.shoot("47-login-stopped").await;
    browser.press("button[value=decline]").await;
    assert_eq!(browser.text("h1").await, "Sign-in cancelled");
    is_usable(&browser).await;
    browser.shoot("48-login-cancelled").await;
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_login_has_its_page_without_javascript() {
    every_state(Browser::start().await, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_any_state_of_a_login() {
    every_state(Browser::start_phone().await, true).await;
}

async fn every_state(browser: Browser, scripted: bool) {
    let app = TestApp::start().await;
    let shows = async |heading: &str, name: &str| {
        assert_eq!(browser.text("h1").await, heading);
        is_sound(&browser).await;
        browser.shoot(name).await;
    };
    let login = generate(&app.api).await;
    scan(&app, &browser, &login).await;
    shows("Sign in to Owner", "50-login-number-phone").await;
    browser.enter("12").await;
    shows("Sign in to Owner", "51-login-no-number").await;
    browser.enter(&login.number).await;
    shows("Confirm with your passkey", "52-login-passkey-phone").await;
    let needs_script = browser.all("noscript h2, .aside h2").await.len();
    assert_eq!(needs_script, usize::from(!scripted), "said to who has no JavaScript");
    let wrong = generate(&app.api).await;
    scan(&app, &browser, &wrong).await;
    for n in 1..=3 {
        browser.enter(&wrong.wrong(n)).await;
    }
    shows("Too many wrong numbers", "53-login-too-many").await;
    let declined = generate(&app.api).await;
    scan(&app, &browser, &declined).await;
    browser.press("button[value=decline]").await;
    shows("Sign-in cancelled", "54-login-declined").await;
    let mut ann = crate::support::login::ann(&app).await.0;
    let used = generate(&app.api).await;
    ann.log_in(&used).await;
    scan(&app, &browser, &used).await;
    shows("This QR code was used", "55-login-used").await;
    let (late, unseen) = (generate_for(&app.api, 1).await, generate_for(&app.api, 1).await);
    scan(&app, &browser, &late).await;
    browser.enter(&late.number).await;
    app.advance(TimeDelta::minutes(1));
    scan(&app, &browser, &late).await;
    shows("Sign-in expired", "56-login-expired").await;
    scan(&app, &browser, &unseen).await;
    shows("This QR code has expired", "57-login-expired-code").await;
    browser.open(&app.url("/r/qr_00000000000000000000000000")).await;
    shows("There is nothing here", "58-login-unknown").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_speaks_german_to_who_does() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    enroll(&app, &browser).await;
    browser.speak("de").await;
    let login = generate(&app.api).await;
    scan(&app, &browser, &login).await;
    assert_eq!(browser.text("h1").await, "Bei Owner anmelden");
    assert_eq!(browser.all("html[lang=de]").await.len(), 1);
    is_usable(&browser).await;
    browser.shoot("de-40-login-number").await;
    browser.enter(&login.number).await;
    assert_eq!(browser.text("h1").await, "Mit Ihrem Passkey bestätigen");
    is_usable(&browser).await;
    browser.shoot("de-41-login-passkey").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Sie sind angemeldet");
    is_usable(&browser).await;
    browser.shoot("de-42-logged-in").await;
    browser.quit().await;
}
