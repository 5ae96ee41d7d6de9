//! What is somebody's own, under `/me`.

use chrono::TimeDelta;
use mobid::ephemeral::code::Action;
use serde_json::json;

use super::{Gallery, State};
use crate::browser::enrolling::enroll;
use crate::me::{Guest, code_sent_to, codes_to};
use crate::pages::{ALL, Visitor, last_code, wrong};
use crate::support::TestApp;
use crate::support::enrollee::create_with;

pub const STATES: &[State] = &[
    ("me/sign_in", "me().by_passkey"),
    ("me/sign_in", "me().by_code"),
    ("me/sign_in", "wrong handle"),
    ("me/sign_in", "too many passkeys"),
    ("me/code", "sign in"),
    ("me/code", "wrong code"),
    ("me/code", "withdraw"),
    ("me/overview", "me().no_consents"),
    ("me/overview", "consents"),
    ("me/consent", "approved"),
    ("me/consent", "withdrawn and reported"),
    ("me/report", "asked"),
    ("me/report", "nothing chosen"),
    ("me/needs_passkey", "asked"),
    ("me/drop", "the last"),
    ("me/drop", "not sure"),
    ("note", "me().signed_out"),
    ("note", "me().signed_out_everywhere"),
    ("note", "me().dropped"),
    ("note", "me().ended"),
    ("note", "me().stale"),
    ("note", "me().too_much"),
    ("note", "me().too_many_reports"),
    ("note", "me().no_code"),
    ("note", "me().no_passkeys"),
];

const BOB: &str = "bob@example.com";
const CAROL: &str = "carol@example.com";

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("me", language).await;
    sign_in(&app, &mut gallery).await;
    look_and_withdraw(&app, &mut gallery).await;
    report_too_much(&app, &mut gallery).await;
    leave(&app, &mut gallery).await;
    hold_a_passkey(&app, &mut gallery).await;
    ask_too_much(&app, &mut gallery).await;
    be_at_a_number(&mut gallery).await;
    gallery.closes(STATES).await;
}

async fn open(app: &TestApp, gallery: &Gallery, path: &str) {
    gallery.browser.open(&app.url(path)).await;
}

/// Sends a form of the page to another address.
fn send(form: &str, path: &str) -> String {
    format!("const f = document.querySelector(`form[action='{form}']`); f.action = '{path}'; f.submit()")
}

async fn by_code(app: &TestApp, gallery: &Gallery, handle: &str) {
    open(app, gallery, "/me").await;
    let before = codes_to(app, handle).len();
    gallery.browser.fill("#handle", handle).await;
    gallery.browser.press("form[action='/me/code'] button").await;
    gallery.enter(&code_sent_to(app, handle, before).await).await;
}

async fn sign_in(app: &TestApp, gallery: &mut Gallery) {
    let me = gallery.words.me();
    // Somebody whom nobody ever addressed is sent nothing.
    create_with(&app.api, json!({ "recipient": BOB })).await;
    open(app, gallery, "/me").await;
    gallery.sees(("me/sign_in", "me().by_passkey"), me.title).await;
    gallery.browser.fill("#handle", "0151 234").await;
    gallery.browser.press("form[action='/me/code'] button").await;
    gallery.sees(("me/sign_in", "wrong handle"), me.title).await;
    gallery.seen.push(("me/sign_in", "me().by_code"));
    open(app, gallery, "/me").await;
    gallery.browser.go(&send("/me/code", "/me/again")).await;
    gallery.reads("me().no_code", me.no_code).await;
    open(app, gallery, "/me").await;
    gallery.browser.fill("#handle", BOB).await;
    gallery.browser.press("form[action='/me/code'] button").await;
    gallery.sees(("me/code", "sign in"), me.code_title).await;
    let code = code_sent_to(app, BOB, 0).await;
    gallery.enter(&wrong(&code)).await;
    gallery.sees(("me/code", "wrong code"), me.code_title).await;
    gallery.enter(&code).await;
    gallery.sees(("me/overview", "me().no_consents"), me.title).await;
}

async fn look_and_withdraw(app: &TestApp, gallery: &mut Gallery) {
    let (words, me) = (gallery.words, gallery.words.me());
    let long = json!({ "recipient": BOB, "purpose": "donaudampfschifffahrtsgesellschaft", "scope": ["name", "email", "phone"] });
    let id = app.create_consent_with(long).await;
    Visitor::new(app).decide(app, &id, "approve", &ALL).await;
    app.create_consent_with(json!({ "recipient": BOB, "scope": [] })).await;
    open(app, gallery, "/me").await;
    gallery.sees(("me/overview", "consents"), me.title).await;
    let at = format!("/me/consents/{id}");
    open(app, gallery, &at).await;
    gallery.sees(("me/consent", "approved"), "Owner").await;
    open(app, gallery, &format!("{at}/report")).await;
    gallery.sees(("me/report", "asked"), &(me.report_page_title)("Owner")).await;
    let button = format!("form[action='{at}/report'] button");
    gallery.browser.press(&button).await;
    gallery.sees(("me/report", "nothing chosen"), &(me.report_page_title)("Owner")).await;
    gallery.browser.click("#reason-too_much").await;
    gallery.browser.press(&button).await;
    gallery.browser.press(&format!("form[action='{at}/code'] button")).await;
    gallery.sees(("me/code", "withdraw"), (words.code_title)(Action::Withdraw)).await;
    gallery.enter(&last_code(app)).await;
    gallery.sees(("me/consent", "withdrawn and reported"), "Owner").await;
}

async fn report_too_much(app: &TestApp, gallery: &mut Gallery) {
    let mut elsewhere = Guest::new(app);
    elsewhere.sign_in_by_code(app, BOB).await;
    for n in 0..10 {
        let id = app.create_consent_with(json!({ "recipient": BOB })).await;
        let done = elsewhere.post(&format!("/me/consents/{id}/report"), &[("reason", "too_often")]).await;
        assert_eq!(done.status, if n < 9 { 303 } else { 429 }, "one was reported here already");
    }
    let id = app.create_consent_with(json!({ "recipient": BOB })).await;
    let at = format!("/me/consents/{id}/report");
    open(app, gallery, &at).await;
    gallery.browser.click("#reason-too_much").await;
    gallery.browser.press(&format!("form[action='{at}'] button")).await;
    gallery.reads("me().too_many_reports", gallery.words.me().too_many_reports).await;
}

async fn leave(app: &TestApp, gallery: &mut Gallery) {
    let me = gallery.words.me();
    open(app, gallery, "/me").await;
    gallery.browser.press("button[value=here]").await;
    gallery.reads("me().signed_out", me.signed_out).await;
    by_code(app, gallery, BOB).await;
    let id = app.create_consent_with(json!({ "recipient": BOB })).await;
    let at = format!("/me/consents/{id}/report");
    open(app, gallery, &at).await;
    gallery.browser.click("#reason-too_much").await;
    app.advance(TimeDelta::hours(1));
    gallery.browser.press(&format!("form[action='{at}'] button")).await;
    gallery.reads("me().ended", me.ended).await;
}

async fn hold_a_passkey(app: &TestApp, gallery: &mut Gallery) {
    let me = gallery.words.me();
    let enrollment = create_with(&app.api, json!({ "recipient": CAROL })).await;
    by_code(app, gallery, CAROL).await;
    app.advance(TimeDelta::minutes(6));
    gallery.browser.go(&send("/me/sign-out", "/me/passkeys")).await;
    gallery.reads("me().stale", me.stale).await;
    gallery.browser.add_authenticator().await;
    enroll(app, &gallery.browser, &enrollment).await;
    gallery.browser.forget_cookies().await;
    by_code(app, gallery, CAROL).await;
    gallery.sees(("me/needs_passkey", "asked"), gallery.passkeys().needed.title).await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.browser.press("button[value=everywhere]").await;
    gallery.reads("me().signed_out_everywhere", me.signed_out_everywhere).await;
    open(app, gallery, "/me").await;
    gallery.browser.press("button[data-passkey]").await;
    gallery.browser.press("a[href^='/me/passkeys/']").await;
    gallery.sees(("me/drop", "the last"), me.drop_title).await;
    gallery.browser.press("button[value=drop]").await;
    gallery.sees(("me/drop", "not sure"), me.drop_title).await;
    gallery.browser.click("#sure").await;
    gallery.browser.press("button[value=drop]").await;
    gallery.reads("me().dropped", me.dropped).await;
}

async fn ask_too_much(app: &TestApp, gallery: &mut Gallery) {
    let mut elsewhere = Guest::new(app);
    while elsewhere.ask("dave@example.com").await.status == 303 {}
    open(app, gallery, "/me").await;
    gallery.browser.fill("#handle", "dave@example.com").await;
    gallery.browser.press("form[action='/me/code'] button").await;
    let too_much = gallery.words.me().too_much;
    gallery.reads("me().too_much", too_much).await;
    // The same of passkeys, said on the page itself.
    open(app, gallery, "/me").await;
    gallery.browser.click("button[data-passkey]").await;
    gallery.browser.appears("a[href^='/me/passkeys/'], [data-trouble]:not([hidden]), .summary").await;
    sqlx::query("update page_caps set count = 1000000").execute(app.pool()).await.unwrap();
    open(app, gallery, "/me").await;
    gallery.browser.click("button[data-passkey]").await;
    gallery.browser.appears("[data-trouble]:not([hidden])").await;
    assert!(gallery.browser.text("[data-trouble]").await.starts_with(too_much.text), "why not");
    gallery.sees(("me/sign_in", "too many passkeys"), gallery.words.me().title).await;
}

/// At an address that is a number, where there are no passkeys.
async fn be_at_a_number(gallery: &mut Gallery) {
    let app = crate::me::by_number().await;
    gallery.browser.open(&app.url("/me")).await;
    gallery.browser.go(&send("/me/code", "/me/passkey")).await;
    gallery.reads("me().no_passkeys", gallery.words.me().no_passkeys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebodys_own_can_be_used_by_anybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebodys_own_can_be_used_by_anybody_in_german() {
    visit("de").await;
}
