//! A consent that is answered with codes.

use chrono::TimeDelta;
use serde_json::json;

use super::{Gallery, State};
use crate::pages::{Visitor, last_code, wrong};
use crate::support::TestApp;

pub const STATES: &[State] = &[
    ("request", "asked"),
    ("request", "wrong values"),
    ("request", "nothing ticked"),
    ("request", "no fields"),
    ("code", "approve"),
    ("code", "wrong code"),
    ("code", "tried too often"),
    ("code", "out of time"),
    ("code", "reject"),
    ("code", "withdraw"),
    ("code", "view"),
    ("outcome", "approved"),
    ("outcome", "approved, to a stranger"),
    ("outcome", "rejected"),
    ("outcome", "expired"),
    ("outcome", "taken back"),
    ("outcome", "ended by the client"),
    ("outcome", "revoked_by_you"),
];

/// Ann leaves no field out.
const EVERY_KIND: [&str; 6] = ["name", "email", "phone", "address", "birthdate", "annual_income"];

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("code", language).await;
    approve(&app, &mut gallery).await;
    withdraw_and_reject(&app, &mut gallery).await;
    come_too_late(&app, &mut gallery).await;
    gallery.closes(STATES).await;
}

async fn approve(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let back = app.url("/a-way-back-that-is-long-enough-to-break");
    let wanted = json!({"recipient": "ann@example.com", "scope": EVERY_KIND, "returnUrl": back});
    let id = app.create_consent_with(wanted).await;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.sees(("request", "asked"), &(words.asks)("Owner")).await;
    gallery.browser.press("button[value=approve]").await;
    gallery.sees(("request", "wrong values"), &(words.asks)("Owner")).await;
    for field in EVERY_KIND {
        gallery.browser.click(&format!("#tick-{field}")).await;
    }
    gallery.browser.press("button[value=approve]").await;
    gallery.sees(("request", "nothing ticked"), &(words.asks)("Owner")).await;
    for field in ["name", "annual_income"] {
        gallery.browser.click(&format!("#tick-{field}")).await;
        gallery
            .browser
            .fill(&format!("#value-{field}"), &"Donaudampfschifffahrtsgesellschaft".repeat(4))
            .await;
    }
    gallery.browser.press("button[value=approve]").await;
    let title = (words.code_title)(mobid::ephemeral::code::Action::Approve);
    gallery.sees(("code", "approve"), title).await;
    let first = last_code(app);
    gallery.enter(&wrong(&first)).await;
    gallery.sees(("code", "wrong code"), title).await;
    for _ in 0..4 {
        gallery.enter(&wrong(&first)).await;
    }
    gallery.sees(("code", "tried too often"), words.code_over_title).await;
    gallery.browser.press("form.more button").await;
    gallery.enter(&last_code(app)).await;
    gallery.sees(("outcome", "approved"), words.approved.title).await;
    app.advance(TimeDelta::minutes(15));
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.sees(("outcome", "approved, to a stranger"), words.approved.title).await;
    gallery.browser.press("button[value=view]").await;
    gallery.sees(("code", "view"), (words.code_title)(mobid::ephemeral::code::Action::View)).await;
}

async fn withdraw_and_reject(app: &TestApp, gallery: &mut Gallery) {
    use mobid::ephemeral::code::Action;
    let words = gallery.words;
    let id = app.create_consent_with(json!({"recipient": "bob@example.com"})).await;
    Visitor::new(app).decide(app, &id, "approve", &crate::pages::ALL).await;
    gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
    gallery.browser.press("button[value=withdraw]").await;
    gallery.sees(("code", "withdraw"), (words.code_title)(Action::Withdraw)).await;
    app.advance(TimeDelta::minutes(5));
    gallery.browser.open(&app.url(&format!("/r/{id}/code"))).await;
    gallery.sees(("code", "out of time"), words.code_over_title).await;
    gallery.browser.press("form.more button").await;
    gallery.enter(&last_code(app)).await;
    gallery.sees(("outcome", "revoked_by_you"), words.revoked_by_you.title).await;
    let bare = app.create_consent_with(json!({"recipient": "bob@example.com", "scope": []})).await;
    gallery.browser.open(&app.url(&format!("/r/{bare}"))).await;
    gallery.sees(("request", "no fields"), &(words.asks)("Owner")).await;
    gallery.browser.press("button[value=reject]").await;
    gallery.sees(("code", "reject"), (words.code_title)(Action::Reject)).await;
    gallery.enter(&last_code(app)).await;
    gallery.sees(("outcome", "rejected"), words.rejected.title).await;
}

async fn come_too_late(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let (pending, approved) = (app.create_consent().await, app.create_consent().await);
    Visitor::new(app).decide(app, &approved, "approve", &crate::pages::ALL).await;
    for (id, state, title) in [
        (&pending, "taken back", words.taken_back_title),
        (&approved, "ended by the client", words.ended_by_client_title),
    ] {
        app.api.delete(&format!("/v1/service/consents/{id}")).await;
        gallery.browser.open(&app.url(&format!("/r/{id}"))).await;
        gallery.sees(("outcome", state), title).await;
    }
    let expired = app.create_consent_with(json!({"expiresIn": 1})).await;
    app.advance(TimeDelta::minutes(1));
    gallery.browser.open(&app.url(&format!("/r/{expired}"))).await;
    gallery.sees(("outcome", "expired"), words.expired.title).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_with_codes_can_be_used_by_anybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_with_codes_can_be_used_by_anybody_in_german() {
    visit("de").await;
}
