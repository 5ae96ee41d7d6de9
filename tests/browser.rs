//! The hosted pages in a real browser, at the size of a phone, in light and in dark: without JavaScript, and, for
//! axe-core to look at them, with it.
//!
//! Leaves pictures of every page in `target/screenshots`. `MOBID_TEST_CHROMEDRIVER` and `MOBID_TEST_CHROMIUM` say
//! where the browser is, if not where Debian has it.

pub mod driver;
mod elsewhere;
mod enrolling;
mod gallery;
mod german;
mod hostile;
mod journeys;
mod login;
mod me;
mod relying_party;

use chrono::TimeDelta;
use driver::Browser;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn consent(app: &TestApp, id: &str) -> Value {
    app.api.get(&format!("/v1/service/consents/{id}")).await.data().clone()
}

fn last_code(app: &TestApp) -> String {
    app.outbox().iter().rev().find_map(|message| message["code"].as_str().map(str::to_owned)).unwrap()
}

/// The same at the size of a desk: one heading, and each control says what it is.
async fn is_usable(browser: &Browser) {
    assert_eq!(browser.all("h1").await.len(), 1);
    assert_eq!(browser.all("main").await.len(), 1);
    for control in browser.all("input:not([type=hidden]), textarea, button, a").await {
        let (label, role) = (browser.label(&control).await, browser.role(&control).await);
        // What is not shown has the role `none`: the value of a field that is not ticked.
        assert!(role == "none" || !label.is_empty(), "a {role} without a name");
    }
    assert_eq!(browser.barriers().await, Vec::<String>::new(), "axe-core");
}

/// A page that anybody can use: it fits the screen, has one heading, and says what each control is.
async fn is_sound(browser: &Browser) {
    let width = browser.content_width().await;
    assert!(width <= 390.0, "{width} pixels wide");
    is_usable(browser).await;
}

/// What is left to complain of, but for answers that are no success, which pages of ours may well be.
async fn has_nothing_to_complain_of(browser: &Browser) {
    let mut complaints = browser.complaints().await;
    complaints.retain(|complaint| !complaint.contains("Failed to load resource"));
    assert_eq!(complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_approves_a_part_and_withdraws_without_javascript() {
    let browser = Browser::start().await;
    browser.open("data:text/html,<title>off</title><script>document.title='on'</script>").await;
    assert_eq!(browser.title().await, "off", "JavaScript runs");
    approve_a_part_and_withdraw(browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_way_to_a_decision_and_back() {
    approve_a_part_and_withdraw(Browser::start_phone().await).await;
}

async fn approve_a_part_and_withdraw(browser: Browser) {
    let app = TestApp::start().await;
    let wanted = json!({"recipient": "ann@example.com", "scope": ["name", "email", "birthdate", "address"]});
    let id = app.create_consent_with(wanted).await;

    browser.open(&app.url(&format!("/qr/{id}"))).await;
    is_sound(&browser).await;
    browser.shoot("1-request").await;
    browser.click("#tick-birthdate").await;
    browser.click("#tick-address").await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[value=approve]").await;
    is_sound(&browser).await;
    assert!(browser.title().await.starts_with("Error: "));
    browser.shoot("2-wrong-value").await;
    browser.fill("#value-email", "ann@example.com").await;
    browser.press("button[value=approve]").await;

    assert_eq!(browser.text("h1").await, "Enter your code to approve");
    is_sound(&browser).await;
    browser.shoot("3-code").await;
    let code = last_code(&app);
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    // The field has the focus already, and Enter sends: nobody needs a mouse.
    browser.enter(&wrong).await;
    is_sound(&browser).await;
    browser.shoot("4-wrong-code").await;
    browser.enter(&code).await;

    assert_eq!(browser.text("h1").await, "Approved");
    is_sound(&browser).await;
    browser.shoot("5-approved").await;
    let seen = consent(&app, &id).await;
    assert_eq!(seen["grantedScope"], json!(["name", "email"]));
    assert_eq!(seen["claims"]["email"]["source"], "verified_handle");
    assert!(seen["scannedAt"].is_string());

    browser.press("button[value=withdraw]").await;
    is_sound(&browser).await;
    browser.shoot("6-withdraw").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Consent withdrawn");
    is_sound(&browser).await;
    browser.shoot("7-withdrawn").await;
    assert_eq!(consent(&app, &id).await["status"], "revoked");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_page_is_sound_too() {
    visit_every_other_page(Browser::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_other_page() {
    visit_every_other_page(Browser::start_phone().await).await;
}

async fn visit_every_other_page(browser: Browser) {
    let app = TestApp::start().await;
    let visit = async |path: String, heading: &str, name: &str| {
        browser.open(&app.url(&path)).await;
        assert_eq!(browser.text("h1").await, heading);
        is_sound(&browser).await;
        browser.shoot(name).await;
    };
    let passkey = app.create_consent_with(json!({"requireAssurance": "passkey"})).await;
    visit(format!("/r/{passkey}"), "Owner asks for your consent", "8-passkey").await;
    let revoked = app.create_consent().await;
    app.api.delete(&format!("/v1/service/consents/{revoked}")).await;
    visit(format!("/r/{revoked}"), "The request was taken back", "9-revoked").await;
    visit("/r/cs_x".to_owned(), "There is nothing here", "10-not-found").await;
    let bare = app.create_consent_with(json!({"scope": [], "purpose": "terms_of_the_loan"})).await;
    visit(format!("/r/{bare}"), "Owner asks for your consent", "11-no-data").await;
    browser.press("button[value=reject]").await;
    is_sound(&browser).await;
    browser.shoot("12-reject").await;
    app.advance(TimeDelta::minutes(5));
    visit(format!("/r/{bare}/code"), "This code no longer works", "13-expired-code").await;
    browser.press("form.more button").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Rejected");
    is_sound(&browser).await;
    browser.shoot("14-rejected").await;
    let expired = app.create_consent_with(json!({"expiresIn": 1})).await;
    app.advance(TimeDelta::minutes(1));
    visit(format!("/r/{expired}"), "This request has expired", "15-expired").await;
    let code = json!({"type": "consent", "referenceId": app.create_consent().await, "expiresIn": 1});
    let code = app.api.post("/v1/qr/generate", &code).await.id();
    app.advance(TimeDelta::minutes(1));
    visit(format!("/qr/{code}"), "This QR code has expired", "16-expired-qr-code").await;
    visit(format!("/r/{bare}/x"), "There is nothing here", "17-no-page").await;
    let open = app.create_consent().await;
    visit(format!("/r/{open}"), "Owner asks for your consent", "18-before").await;
    app.api.patch(&format!("/v1/service/consents/{open}"), &json!({"purpose": "login"})).await;
    browser.press("button[value=reject]").await;
    assert_eq!(browser.text("h1").await, "The request has changed");
    is_sound(&browser).await;
    browser.shoot("19-changed").await;
    browser.quit().await;
}
