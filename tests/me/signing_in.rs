//! The two ways in, and what either opens.

use serde_json::json;

use super::{Guest, ann, code_sent_to, codes_to, messages_to};
use crate::pages::wrong;
use crate::support::{RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_name() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let begun = ann.post("/me/passkey/begin", &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    assert_eq!(begun["get"]["allowCredentials"], json!([]), "it says nothing of anybody");
    let page = ann.sign_in().await;
    assert_eq!(page.heading(), "Your consents and passkeys");
    assert!(page.says("You are signed in as a•••@e•••.com."), "{}", page.html);
    assert!(page.says("Owner") && page.says("Waits for you") && page.says("You signed in with this one"));
    assert!(!page.says("one-time code. Whoever reads"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_in_who_has_no_passkey() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let mut ann = Guest::new(&app);
    let before = codes_to(&app, RECIPIENT).len();
    // As people write it.
    let asked = ann.ask(" +1 (234) 567-890 ").await;
    assert_eq!((asked.status, asked.location()), (303, "/me/code"));
    let page = ann.browser.get("/me/code").await;
    assert_eq!(page.heading(), "Enter your code to sign in");
    assert!(page.says("+1 ••• 90") && page.says("Nothing is decided by it"), "{}", page.html);
    let code = code_sent_to(&app, RECIPIENT, before).await;
    let said = messages_to(&app, RECIPIENT).last().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(said.starts_with(&code) && said.contains("Never tell anybody"), "{said}");
    let page = ann.enter(&wrong(&code)).await;
    assert!(page.status == 422 && page.says("You have 4 tries left"), "{}", page.html);
    assert_eq!(ann.enter(&code).await.location(), "/me");
    let page = ann.home().await;
    assert!(page.says("Owner") && page.says("You signed in with a one-time code"), "{}", page.html);
    assert!(page.says("You have none here."), "no passkey");
    // Once.
    assert_eq!(ann.post("/me/decide", &[("code", &code)]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_code_is_sent_to_the_same_handle_and_the_first_is_void() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let mut ann = Guest::new(&app);
    ann.ask(RECIPIENT).await;
    let first = code_sent_to(&app, RECIPIENT, 0).await;
    assert_eq!(ann.post("/me/again", &[]).await.location(), "/me/code");
    let second = code_sent_to(&app, RECIPIENT, 1).await;
    if first != second {
        assert_eq!(ann.enter(&first).await.status, 422);
    }
    assert_eq!(ann.enter(&second).await.location(), "/me");
    assert!(ann.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_alone_shows_nothing_of_somebody_who_has_a_passkey() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut holder = ann(&app, &app.api, ANN).await;
    // Whoever reads their messages now.
    let mut mallory = Guest::new(&app);
    let page = mallory.sign_in_by_code(&app, ANN).await;
    assert_eq!(page.heading(), "Use your passkey");
    assert!(!page.says("Owner") && !page.says(&id), "{}", page.html);
    for path in [format!("/me/consents/{id}"), format!("/me/consents/{id}/report"), "/me?before=x".to_owned()]
    {
        let page = mallory.browser.get(&path).await;
        assert!(!page.says("Owner"), "{path}: {}", page.html);
    }
    for path in [
        format!("/me/consents/{id}/passkey/begin"),
        format!("/me/consents/{id}/code"),
        format!("/me/consents/{id}/report"),
        "/me/passkeys/begin".to_owned(),
        "/me/passkeys".to_owned(),
    ] {
        let page = mallory.post(&path, &[("sequence", "1"), ("reason", "misleading")]).await;
        assert_eq!((page.status, page.heading()), (403, "You are not signed in any more"), "{path}");
    }
    // Nor do they end what the person opened.
    holder.sign_in().await;
    mallory.post("/me/sign-out", &[("action", "everywhere")]).await;
    assert!(holder.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_session_shows_nothing_any_more_once_there_is_a_passkey() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut early = Guest::new(&app);
    early.sign_in_by_code(&app, ANN).await;
    assert!(early.is_signed_in().await);
    ann(&app, &app.api, ANN).await;
    assert_eq!(early.home().await.heading(), "Use your passkey");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_handle_is_said_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let mut ann = Guest::new(&app);
    for typed in ["", "0151 2345678", "ann@", "+1"] {
        let page = ann.ask(typed).await;
        assert!(page.status == 422 && page.says("begins with + and its country code"), "{typed}");
        assert!(page.says(&format!("value=\"{typed}\"")), "what was typed is still there");
    }
    let page = ann.ask("\"><script>alert(1)</script>").await;
    assert!(page.status == 422 && !page.says("<script>alert"), "{}", page.html);
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_mail_goes_out_a_phone_number_is_told_so() {
    let mail = |config: &mut mobid::config::Config| {
        config.notifier = "smtp://localhost:1?from=no-reply@example.com&tls=none".to_owned();
    };
    let app = TestApp::start_with(mail).await;
    let mut ann = Guest::new(&app);
    let page = ann.ask(RECIPIENT).await;
    assert!(page.status == 422 && page.says("no way to send codes to phone numbers"), "{}", page.html);
    // Whether mail arrives is not waited for: an address is answered alike, known or not.
    assert_eq!(ann.ask(ANN).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_passkey_and_no_clients_own_signs_in() {
    let app = TestApp::start().await;
    let (_, own) = crate::support::authenticator::device_of(&app.api, "ann").await;
    let mut client = Guest { authenticator: own, ..Guest::new(&app) };
    let page = client.press("/me/passkey/begin", "/me/passkey", &[]).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    assert!(!client.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_the_browsers_language() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN, "locale": "en" })).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    for path in ["/me".to_owned(), format!("/me/consents/{id}"), format!("/me/consents/{id}/report")] {
        let request = ann.browser.request(reqwest::Method::GET, &path).header("Accept-Language", "de");
        let page = ann.browser.send(request).await;
        assert!(page.status == 200 && page.says("<html lang=\"de\">"), "{path}: {}", page.html);
    }
}
