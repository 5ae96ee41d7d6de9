//! What is somebody's own, in a real browser: by code on a phone, with and without JavaScript, and by passkey at a desk.

use chrono::TimeDelta;
use serde_json::json;

use super::driver::Browser;
use super::{is_sound, is_usable, last_code};
use crate::me::{code_sent_to, codes_to};
use crate::support::enrollee::create;
use crate::support::{RECIPIENT, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_a_passkey_sees_and_withdraws_without_javascript() {
    by_code(Browser::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_way_by_code() {
    by_code(Browser::start_phone().await).await;
}

async fn by_code(browser: Browser) {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "scope": ["name", "birthdate"] })).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    browser.click("#tick-birthdate").await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[value=approve]").await;
    browser.enter(&last_code(&app)).await;
    app.create_consent_with(json!({ "purpose": "payment", "scope": [] })).await;

    browser.press("footer a").await;
    assert_eq!(browser.text("h1").await, "Your consents and passkeys");
    is_sound(&browser).await;
    browser.shoot("50-me-sign-in-on-a-phone").await;
    browser.fill("#handle", "0151 234").await;
    browser.press("form[action='/me/code'] button").await;
    assert!(browser.title().await.starts_with("Error: "));
    is_sound(&browser).await;
    browser.shoot("51-me-wrong-handle").await;
    let before = codes_to(&app, RECIPIENT).len();
    browser.clear("#handle").await;
    browser.fill("#handle", RECIPIENT).await;
    browser.press("form[action='/me/code'] button").await;
    assert_eq!(browser.text("h1").await, "Enter your code to sign in");
    is_sound(&browser).await;
    browser.shoot("52-me-code").await;
    let code = code_sent_to(&app, RECIPIENT, before).await;
    browser.enter(&crate::pages::wrong(&code)).await;
    is_sound(&browser).await;
    browser.shoot("53-me-wrong-code").await;
    browser.enter(&code).await;
    assert_eq!(browser.text("h1").await, "Your consents and passkeys");
    is_sound(&browser).await;
    browser.shoot("54-me-overview-by-code").await;

    let at = format!("/me/consents/{id}");
    browser.press(&format!("a[href='{at}']")).await;
    assert_eq!(browser.text("h1").await, "Owner");
    is_sound(&browser).await;
    browser.shoot("55-me-consent").await;
    browser.press(&format!("a[href='{at}/report']")).await;
    is_sound(&browser).await;
    browser.press(&format!("form[action='{at}/report'] button")).await;
    is_sound(&browser).await;
    browser.shoot("56-me-report-nothing-chosen").await;
    browser.click("#reason-too_much").await;
    browser.fill("#text", "They do not need my date of birth.").await;
    browser.shoot("57-me-report").await;
    browser.press(&format!("form[action='{at}/report'] button")).await;
    assert_eq!(browser.text("h1").await, "Owner");
    browser.press(&format!("form[action='{at}/code'] button")).await;
    assert_eq!(browser.text("h1").await, "Enter your code to withdraw");
    is_sound(&browser).await;
    browser.shoot("58-me-withdraw-by-code").await;
    browser.enter(&last_code(&app)).await;
    is_sound(&browser).await;
    browser.shoot("59-me-withdrawn-and-reported").await;
    assert_eq!(super::consent(&app, &id).await["status"], "revoked");
    browser.press(".crumb a").await;
    browser.press("button[value=here]").await;
    assert_eq!(browser.text("h1").await, "You are signed out");
    is_sound(&browser).await;
    browser.shoot("60-me-signed-out").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_by_passkey_withdraws_and_drops_the_passkey() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let enrollment = create(&app.api).await;
    browser.open(&app.url(&format!("/r/{enrollment}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    browser.press("button[data-passkey]").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text("h1").await, "Your passkey is set up");

    browser.open(&app.url("/me")).await;
    is_usable(&browser).await;
    browser.shoot("61-me-sign-in").await;
    browser.press("button[data-passkey]").await;
    is_usable(&browser).await;
    browser.shoot("62-me-nothing-yet").await;
    assert!(browser.text(".part .aside").await.starts_with("Nobody has asked you"));

    let wanted = json!({ "requireAssurance": "passkey", "scope": ["name", "email"] });
    let id = app.create_consent_with(wanted).await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    browser.click("#tick-email").await;
    browser.fill("#value-name", "Ann Öberg").await;
    browser.press("button[value=approve_by_passkey]").await;
    assert_eq!(browser.text("h1").await, "Approved");
    for n in 0..11 {
        app.create_consent_with(json!({ "purpose": format!("newsletter_{n}"), "expiresIn": 1 + n % 2 * 60 }))
            .await;
    }
    app.advance(TimeDelta::minutes(2));
    browser.open(&app.url("/me")).await;
    is_usable(&browser).await;
    browser.shoot("63-me-overview").await;
    browser.press("a[rel=next]").await;
    is_usable(&browser).await;
    browser.shoot("64-me-older").await;
    let at = format!("/me/consents/{id}");
    browser.press(&format!("a[href='{at}']")).await;
    is_usable(&browser).await;
    browser.shoot("65-me-consent-by-passkey").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text(".badge").await, "Ended");
    assert_eq!(super::consent(&app, &id).await["status"], "revoked");
    is_usable(&browser).await;
    browser.shoot("66-me-withdrawn").await;
    browser.press(".crumb a").await;
    browser.press("a[href^='/me/passkeys/']").await;
    assert_eq!(browser.text("h1").await, "Remove this passkey?");
    is_usable(&browser).await;
    browser.shoot("67-me-drop-the-last").await;
    browser.press("button[value=drop]").await;
    is_usable(&browser).await;
    browser.shoot("68-me-not-sure").await;
    app.advance(TimeDelta::minutes(5));
    browser.open(&app.url("/me")).await;
    browser.press("a[href^='/me/passkeys/']").await;
    is_usable(&browser).await;
    browser.shoot("69-me-drop-asks-again").await;
    browser.click("#sure").await;
    browser.press("button[value=drop]").await;
    assert_eq!(browser.text("h1").await, "The passkey was removed");
    is_usable(&browser).await;
    browser.shoot("70-me-dropped").await;
    browser.press("main a").await;
    assert_eq!(browser.all("#handle").await.len(), 1, "signed out");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_creates_a_passkey_and_whoever_has_only_the_code_begins_anew() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    let sign_in = async |browser: &Browser| {
        browser.open(&app.url("/me")).await;
        let before = codes_to(&app, RECIPIENT).len();
        browser.fill("#handle", RECIPIENT).await;
        browser.press("form[action='/me/code'] button").await;
        browser.enter(&code_sent_to(&app, RECIPIENT, before).await).await;
    };
    sign_in(&browser).await;
    is_usable(&browser).await;
    browser.shoot("71-me-create-a-passkey").await;
    browser.press("button[data-passkey]").await;
    assert_eq!(browser.text(".badge.good").await, "You signed in with this one");
    is_usable(&browser).await;
    browser.shoot("72-me-created").await;
    browser.press("button[value=everywhere]").await;
    assert_eq!(browser.text("h1").await, "You are signed out everywhere");
    browser.press("main a").await;
    browser.press("form[action='/me/passkey'] button").await;
    assert_eq!(browser.text(".badge.good").await, "You signed in with this one");
    browser.quit().await;

    // Another device, which has the number and not the passkey.
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    sign_in(&browser).await;
    assert_eq!(browser.text("h1").await, "Use your passkey");
    is_usable(&browser).await;
    browser.shoot("73-me-use-your-passkey").await;
    browser.click("button[data-passkey]").await;
    browser.appears("[data-trouble]:not([hidden])").await;
    is_usable(&browser).await;
    browser.press("form[action='/me/recover'] button").await;
    assert!(browser.text(".part .aside").await.starts_with("Nobody has asked you"));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_german_where_the_browser_is() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let browser = Browser::start_scripted().await;
    browser.speak("de").await;
    browser.open(&app.url("/me")).await;
    assert_eq!(browser.text("h1").await, "Ihre Einwilligungen und Passkeys");
    is_usable(&browser).await;
    browser.shoot("74-me-german").await;
    browser.fill("#handle", RECIPIENT).await;
    browser.press("form[action='/me/code'] button").await;
    browser.enter(&code_sent_to(&app, RECIPIENT, 0).await).await;
    is_usable(&browser).await;
    browser.shoot("75-me-german-overview").await;
    browser.press(&format!("a[href='/me/consents/{id}']")).await;
    is_usable(&browser).await;
    browser.press("a[href$='/report']").await;
    is_usable(&browser).await;
    browser.shoot("76-me-german-report").await;
    browser.quit().await;
}
