//! An enrollment, step by step.

use chrono::TimeDelta;
use mobid::ephemeral::code::Action;
use serde_json::{Value, json};

use super::{Gallery, State};
use crate::pages::last_code;
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create, create_with};

pub const STATES: &[State] = &[
    ("enroll", "asked"),
    ("code", "enroll"),
    ("passkey", "passkeys().create"),
    ("passkey", "stopped"),
    ("passkey", "passkeys().verify"),
    ("passkey", "passkeys().exists"),
    ("passkey", "passkeys().lost"),
    ("passkey", "not taken"),
    ("outcome", "passkeys().completed"),
    ("outcome", "passkeys().failed_for_good"),
    ("outcome", "cancelled"),
    ("outcome", "passkeys().expired"),
];

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("enrollment", language).await;
    set_up(&app, &mut gallery).await;
    come_with_another(&app, &mut gallery).await;
    come_too_late(&app, &mut gallery).await;
    gallery.closes(STATES).await;
}

async fn prove(app: &TestApp, gallery: &Gallery, id: &str) {
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.browser.press("button[value=enroll]").await;
    gallery.enter(&last_code(app)).await;
}

async fn set_up(app: &TestApp, gallery: &mut Gallery) {
    let (words, passkeys) = (gallery.words, gallery.passkeys());
    let said = json!({ "recipient": "bob@example.com", "displayName": "Donaudampfschifffahrtsgesellschaft".repeat(2),
        "claims": { "name": "Bob Example", "membership": "Gold".repeat(60) }, "returnUrl": app.url("/back") });
    let id = create_with(&app.api, said).await;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.sees(("enroll", "asked"), &(passkeys.asks)("Owner")).await;
    gallery.browser.press("button[value=enroll]").await;
    gallery.sees(("code", "enroll"), (words.code_title)(Action::Enroll)).await;
    gallery.enter(&last_code(app)).await;
    gallery.sees(("passkey", "passkeys().create"), passkeys.create.title).await;
    gallery.browser.add_authenticator().await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.sees(("passkey", "passkeys().verify"), passkeys.verify.title).await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.sees(("outcome", "passkeys().completed"), passkeys.completed.title).await;
}

/// Ann has a passkey elsewhere, and reads her codes here.
async fn come_with_another(app: &TestApp, gallery: &mut Gallery) {
    let passkeys = gallery.passkeys();
    Enrollee::new(&app.api).enroll(app, &create(&app.api).await).await;
    let id = create(&app.api).await;
    prove(app, gallery, &id).await;
    gallery.sees(("passkey", "passkeys().exists"), passkeys.exists.title).await;
    assert_eq!(gallery.browser.text("#lost").await, passkeys.lost.title);
    gallery.seen.push(("passkey", "passkeys().lost"));
    gallery.browser.press("button[data-passkey]").await;
    gallery.sees(("passkey", "not taken"), passkeys.exists.title).await;
    gallery
        .browser
        .run("navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
        .await;
    gallery.browser.click("button[data-passkey]").await;
    gallery.browser.appears("[data-trouble]:not([hidden])").await;
    gallery.browser.says("[data-trouble]", passkeys.stopped).await;
    gallery.sees(("passkey", "stopped"), passkeys.exists.title).await;
}

async fn come_too_late(app: &TestApp, gallery: &mut Gallery) {
    let passkeys = gallery.passkeys();
    let cancelled = create(&app.api).await;
    app.api.delete(&format!("/v1/enrollments/{cancelled}")).await;
    gallery.browser.open(&app.url(&format!("/r/{cancelled}"))).await;
    gallery.sees(("outcome", "cancelled"), passkeys.cancelled_title).await;
    let (failed, mut ann) = crate::support::enrollee::registered(app).await;
    for _ in 0..5 {
        let begun = ann.begin(&failed, &[]).await;
        let mut credential: Value = ann.answer(&begun);
        credential["response"]["signature"] = json!("MAA");
        ann.finish(&failed, &begun, &credential).await;
    }
    gallery.browser.open(&app.url(&format!("/r/{failed}"))).await;
    gallery.sees(("outcome", "passkeys().failed_for_good"), passkeys.failed_for_good.title).await;
    let expired = create_with(&app.api, json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::minutes(1));
    gallery.browser.open(&app.url(&format!("/r/{expired}"))).await;
    gallery.sees(("outcome", "passkeys().expired"), passkeys.expired.title).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_can_be_gone_through_by_anybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_can_be_gone_through_by_anybody_in_german() {
    visit("de").await;
}
