//! A consent that is answered with a passkey.

use serde_json::json;

use super::{Gallery, State};
use crate::browser::enrolling::enroll;
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create_with};

pub const STATES: &[State] = &[
    ("request", "code or passkey"),
    ("request", "passkey_demanded"),
    ("request", "passkey stopped"),
    ("request", "passkey not taken"),
    ("request", "no passkeys in this browser"),
    ("request", "passkeys().without_script"),
    ("outcome", "approved"),
    ("outcome", "passkey not taken"),
];

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("passkey", language).await;
    let words = gallery.words;
    // Bob's passkey is in this browser; what he opens here is for Ann.
    let bobs = json!({ "recipient": "bob@example.com" });
    let demanding = json!({ "requireAssurance": "passkey", "scope": ["name"] });
    let id = app.create_consent_with(demanding.clone()).await;
    let either = app.create_consent_with(json!({ "scope": [] })).await;

    gallery.browser.open(&app.url(&format!("/r/{either}"))).await;
    gallery.sees(("request", "code or passkey"), &(words.asks)("Owner")).await;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.sees(("request", "passkey_demanded"), &(words.asks)("Owner")).await;
    without_script(&mut gallery).await;
    gallery.browser.add_authenticator().await;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    fill_and_stop(&mut gallery).await;
    enroll(&app, &gallery.browser, &create_with(&app.api, bobs).await).await;
    not_taken(&app, &mut gallery, &id).await;
    gallery.closes(STATES).await;
}

/// What is there for who has no script: `noscript` is not rendered with one, so its content is put in its place.
async fn without_script(gallery: &mut Gallery) {
    let unwrap = "document.querySelectorAll('noscript').forEach((e) => e.outerHTML = e.textContent)";
    gallery.browser.run(unwrap).await;
    let title = gallery.passkeys().without_script.title;
    let shown = "[...document.querySelectorAll('.aside h2')].map((e) => e.textContent).join('; ')";
    let shown = gallery.browser.evaluate(shown).await;
    assert!(shown.as_str().unwrap().contains(title), "{shown}");
    gallery.sees(("request", "passkeys().without_script"), &(gallery.words.asks)("Owner")).await;
}

async fn fill_and_stop(gallery: &mut Gallery) {
    let heading = (gallery.words.asks)("Owner");
    gallery.browser.fill("#value-name", "Ann Öberg").await;
    gallery.browser.click("button[value=approve_by_passkey]").await;
    gallery.browser.appears("[data-trouble]:not([hidden])").await;
    gallery.browser.says("[data-trouble]", gallery.passkeys().stopped).await;
    gallery.sees(("request", "passkey stopped"), &heading).await;
    gallery.browser.run("Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })").await;
    gallery.browser.click("button[value=approve_by_passkey]").await;
    gallery.browser.says("[data-trouble]", gallery.passkeys().unsupported).await;
    gallery.sees(("request", "no passkeys in this browser"), &heading).await;
}

async fn not_taken(app: &TestApp, gallery: &mut Gallery, id: &str) {
    let words = gallery.words;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.browser.fill("#value-name", "Ann Öberg").await;
    gallery.browser.press("button[value=approve_by_passkey]").await;
    gallery.sees(("request", "passkey not taken"), &(words.asks)("Owner")).await;
    // Ann herself is elsewhere.
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(app, &create_with(&app.api, json!({})).await).await;
    let begun = ann.begin(id, &[("action", "approve"), ("scope", "name"), ("claim.name", "Ann Öberg")]).await;
    let credential = ann.answer(&begun);
    assert_eq!(ann.finish(id, &begun, &credential).await.status, 303);
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.sees(("outcome", "approved"), words.approved.title).await;
    gallery.browser.press("button[value=withdraw_by_passkey]").await;
    gallery.sees(("outcome", "passkey not taken"), words.approved.title).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_with_a_passkey_can_be_used_by_anybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_with_a_passkey_can_be_used_by_anybody_in_german() {
    visit("de").await;
}
