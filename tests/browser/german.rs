//! The same pages in the second language.

use serde_json::json;

use super::driver::Browser;
use super::{is_sound, last_code};
use crate::support::TestApp;

async fn go_through(browser: Browser) {
    let app = TestApp::start().await;
    let wanted = json!({"recipient": "ann@example.com", "scope": ["name", "birthdate"], "locale": "de-AT"});
    let id = app.create_consent_with(wanted).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    assert_eq!(browser.text("h1").await, "Owner bittet um Ihre Einwilligung");
    assert_eq!(browser.all("html[lang=de]").await.len(), 1);
    is_sound(&browser).await;
    browser.shoot("de-1-request").await;
    browser.press("button[value=approve]").await;
    assert!(browser.title().await.starts_with("Fehler: "));
    is_sound(&browser).await;
    browser.shoot("de-2-empty").await;
    browser.click("#tick-birthdate").await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[value=approve]").await;
    assert_eq!(browser.text("h1").await, "Zum Zustimmen den Code eingeben");
    is_sound(&browser).await;
    browser.shoot("de-3-code").await;
    let mail = app.outbox().last().unwrap().clone();
    assert_eq!(mail["subject"], "Ihr Einmalcode für Owner");
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Zugestimmt");
    is_sound(&browser).await;
    browser.shoot("de-4-approved").await;
    browser.press("button[value=withdraw]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Einwilligung widerrufen");
    is_sound(&browser).await;
    browser.shoot("de-5-withdrawn").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_decides_in_german_without_javascript() {
    go_through(Browser::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_german() {
    go_through(Browser::start_phone().await).await;
}
