//! A login by QR code.

use chrono::TimeDelta;

use super::{Gallery, State};
use crate::support::TestApp;
use crate::support::login::{Login, generate, generate_for};

pub const STATES: &[State] = &[
    ("number", "asked"),
    ("number", "wrong number"),
    ("login", "asked"),
    ("login", "not taken"),
    ("login", "stopped"),
    ("outcome", "logged in"),
    ("outcome", "used by somebody"),
    ("outcome", "declined"),
    ("outcome", "guessed too often"),
    ("outcome", "login expired"),
];

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("login", language).await;
    log_in(&app, &mut gallery).await;
    end_otherwise(&app, &mut gallery).await;
    gallery.closes(STATES).await;
}

async fn scan(app: &TestApp, gallery: &Gallery, login: &Login) {
    let seen = login.seen(&app.api).await;
    gallery.browser.open(seen["url"].as_str().unwrap()).await;
}

/// By somebody who has no passkey at first.
async fn log_in(app: &TestApp, gallery: &mut Gallery) {
    let logins = gallery.words.logins();
    gallery.browser.add_authenticator().await;
    let login = generate(&app.api).await;
    scan(app, gallery, &login).await;
    gallery.sees(("number", "asked"), &(logins.title)("Owner")).await;
    gallery.browser.enter_in("#number", &login.wrong(1)).await;
    gallery.sees(("number", "wrong number"), &(logins.title)("Owner")).await;
    gallery.browser.enter_in("#number", &login.number).await;
    gallery.sees(("login", "asked"), logins.passkey_title).await;
    gallery.browser.click("button[data-passkey]").await;
    gallery.browser.appears("[data-trouble]:not([hidden])").await;
    gallery.sees(("login", "stopped"), logins.passkey_title).await;

    let enrollment = crate::support::enrollee::create(&app.api).await;
    gallery.browser.open(&app.url(&format!("/r/{enrollment}"))).await;
    gallery.browser.press("button[value=enroll]").await;
    gallery.enter(&crate::pages::last_code(app)).await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.browser.press("button[data-passkey]").await;
    scan(app, gallery, &login).await;
    if !gallery.browser.all("#number").await.is_empty() {
        gallery.browser.enter_in("#number", &login.number).await;
    }
    let spoil = "const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = async (options) => {
            const credential = await get(options), json = credential.toJSON();
            json.response.signature = 'MAA';
            return { toJSON: () => json };
        };";
    gallery.browser.run(spoil).await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.sees(("login", "not taken"), logins.passkey_title).await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.sees(("outcome", "logged in"), logins.done.title).await;
    gallery.browser.forget_cookies().await;
    scan(app, gallery, &login).await;
    gallery.sees(("outcome", "used by somebody"), logins.used.title).await;
}

async fn end_otherwise(app: &TestApp, gallery: &mut Gallery) {
    let logins = gallery.words.logins();
    let declined = generate(&app.api).await;
    scan(app, gallery, &declined).await;
    gallery.browser.press("button[value=decline]").await;
    gallery.sees(("outcome", "declined"), logins.declined.title).await;
    let guessed = generate(&app.api).await;
    scan(app, gallery, &guessed).await;
    for n in 1..=3 {
        gallery.browser.enter_in("#number", &guessed.wrong(n)).await;
    }
    gallery.sees(("outcome", "guessed too often"), logins.exhausted.title).await;
    let late = generate_for(&app.api, 1).await;
    scan(app, gallery, &late).await;
    gallery.browser.enter_in("#number", &late.number).await;
    app.advance(TimeDelta::minutes(1));
    scan(app, gallery, &late).await;
    gallery.sees(("outcome", "login expired"), logins.expired.title).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_can_be_used_by_anybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_can_be_used_by_anybody_in_german() {
    visit("de").await;
}
