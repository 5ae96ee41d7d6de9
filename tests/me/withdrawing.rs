//! Withdrawing from among all consents: proved by itself, by passkey or by code.

use chrono::TimeDelta;
use serde_json::json;

use super::{Guest, ann, code_sent_to, codes_to};
use crate::pages::{ALL, Visitor, consent, last_code};
use crate::support::{RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";

/// Approved by its recipient; its id.
async fn approved(app: &TestApp, guest: &mut Guest, recipient: &str) -> String {
    let id = app.create_consent_with(json!({ "recipient": recipient })).await;
    let mut enrollee = crate::support::enrollee::Enrollee {
        browser: Visitor::new(app),
        authenticator: std::mem::replace(
            &mut guest.authenticator,
            crate::support::authenticator::Authenticator::at(""),
        ),
    };
    let mut fields = vec![("action", "approve")];
    fields.extend(ALL);
    let begun = enrollee.begin(&id, &fields).await;
    let credential = enrollee.answer(&begun);
    let done = enrollee.finish(&id, &begun, &credential).await;
    assert_eq!(done.status, 303, "{}", done.html);
    guest.authenticator = enrollee.authenticator;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_the_withdrawal_itself_which_the_client_can_prove() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let id = approved(&app, &mut ann, ANN).await;
    ann.sign_in().await;
    let page = ann.open(&id).await;
    let sequence = page.field("sequence");
    let at = format!("/me/consents/{id}");
    let fields = [("sequence", sequence.as_str())];
    let done = ann.press(&format!("{at}/passkey/begin"), &format!("{at}/passkey"), &fields).await;
    assert_eq!((done.status, done.location()), (303, at.as_str()), "{}", done.html);
    let page = ann.open(&id).await;
    assert!(page.says("You withdrew your consent") && page.says("Withdrawn"), "{}", page.html);
    assert!(!page.says("Ann Öberg"), "what was shared is gone");
    assert_eq!(consent(&app, &id).await["status"], "revoked");
    let evidence = app.api.get(&format!("/v1/service/consents/{id}/evidence")).await;
    let withdrawn = &evidence.data()["items"][1];
    assert_eq!(withdrawn["action"], "withdraw");
    let text: serde_json::Value = serde_json::from_str(withdrawn["proof"]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&text["resource"], &text["action"]), (&json!(id), &json!("withdraw")));
    assert!(ann.home().await.says("Ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn being_signed_in_withdraws_nothing_without_a_proof_of_its_own() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let id = approved(&app, &mut ann, ANN).await;
    ann.sign_in().await;
    let sequence = ann.open(&id).await.field("sequence");
    let at = format!("/me/consents/{id}");
    let page = ann.post(&format!("{at}/passkey"), &[("sequence", &sequence)]).await;
    assert_eq!(page.status, 200, "the page says what is needed");
    let page = ann.post(&format!("{at}/decide"), &[("code", "123456")]).await;
    assert_eq!((page.status, page.heading()), (403, "No code was asked for here"));
    // What was begun to sign in does not withdraw.
    let begun = ann.post("/me/passkey/begin", &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    let credential = ann.authenticator.get(&begun["get"]);
    let fields = [("sequence", sequence.as_str())];
    let page = ann.answer(&format!("{at}/passkey"), &fields, &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_overtaken_withdraws_nothing() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let id = approved(&app, &mut ann, ANN).await;
    ann.sign_in().await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let at = format!("/me/consents/{id}");
    let page = ann.post(&format!("{at}/passkey/begin"), &[("sequence", "1")]).await;
    assert_eq!((page.status, page.heading()), (409, "The request has changed"));
    let page = ann.open(&id).await;
    assert!(page.says("ended it") && !page.says("Withdraw"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_by_code_withdraws_by_another_code() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    Visitor::new(&app).decide(&app, &id, "approve", &ALL).await;
    let mut ann = Guest::new(&app);
    ann.sign_in_by_code(&app, RECIPIENT).await;
    let page = ann.open(&id).await;
    let sequence = page.field("sequence");
    let at = format!("/me/consents/{id}");
    let asked = ann.post(&format!("{at}/code"), &[("sequence", &sequence)]).await;
    assert_eq!((asked.status, asked.location()), (303, format!("{at}/code").as_str()), "{}", asked.html);
    let code = last_code(&app);
    let page = ann.browser.get(&format!("{at}/code")).await;
    assert_eq!(page.heading(), "Enter your code to withdraw");
    let page = ann.post(&format!("{at}/decide"), &[("code", &crate::pages::wrong(&code))]).await;
    assert_eq!(page.status, 422);
    let done = ann.post(&format!("{at}/decide"), &[("code", &code)]).await;
    assert_eq!((done.status, done.location()), (303, at.as_str()), "{}", done.html);
    assert!(ann.open(&id).await.says("You withdrew your consent"));
    assert_eq!(consent(&app, &id).await["status"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_what_it_was_asked_for_and_nothing_else() {
    let app = TestApp::start().await;
    let (id, other) = (app.create_consent().await, app.create_consent().await);
    for id in [&id, &other] {
        Visitor::new(&app).decide(&app, id, "approve", &ALL).await;
    }
    let mut ann = Guest::new(&app);
    let before = codes_to(&app, RECIPIENT).len();
    ann.ask(RECIPIENT).await;
    let to_sign_in = code_sent_to(&app, RECIPIENT, before).await;
    // The one to sign in with, on a request's own page; and the other way round.
    let mut on_the_page = Visitor::new(&app);
    on_the_page.ask(&id, "withdraw", &[]).await;
    let to_withdraw = last_code(&app);
    if to_sign_in != to_withdraw {
        assert_eq!(on_the_page.enter(&id, &to_sign_in).await.status, 422);
        assert_eq!(ann.enter(&to_withdraw).await.status, 422);
    }
    assert_eq!(ann.enter(&to_sign_in).await.location(), "/me");
    // One for one consent, for another, and one that was asked for elsewhere.
    let sequence = ann.open(&id).await.field("sequence");
    ann.post(&format!("/me/consents/{id}/code"), &[("sequence", &sequence)]).await;
    let of_the_first = last_code(&app);
    let page = ann.post(&format!("/me/consents/{other}/decide"), &[("code", &of_the_first)]).await;
    assert_eq!(page.status, 403);
    if of_the_first != to_withdraw {
        let page = ann.post(&format!("/me/consents/{id}/decide"), &[("code", &to_withdraw)]).await;
        assert_eq!(page.status, 422);
    }
    // The cookie of the request's page under the other name: the code is still for that page's session alone.
    for id in [&id, &other] {
        assert_eq!(consent(&app, id).await["status"], "approved");
    }
    app.advance(TimeDelta::minutes(5));
    let page = ann.post(&format!("/me/consents/{id}/decide"), &[("code", &of_the_first)]).await;
    assert!(page.status == 422 && page.says("expired"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_a_passkey_is_not_withdrawn_by_code_and_says_so() {
    let app = TestApp::start().await;
    let mut guest = ann(&app, &app.api, ANN).await;
    let id = app.create_consent_with(json!({ "recipient": ANN, "requireAssurance": "passkey" })).await;
    let mut enrollee = crate::support::enrollee::Enrollee {
        browser: Visitor::new(&app),
        authenticator: guest.authenticator,
    };
    let mut fields = vec![("action", "approve")];
    fields.extend(ALL);
    let begun = enrollee.begin(&id, &fields).await;
    let credential = enrollee.answer(&begun);
    assert_eq!(enrollee.finish(&id, &begun, &credential).await.status, 303);
    guest.authenticator = enrollee.authenticator;
    guest.sign_in().await;
    let passkey = guest.passkeys().await.remove(0);
    assert_eq!(guest.post(&format!("{passkey}/drop"), &[("sure", "yes")]).await.status, 303);
    let mut by_code = Guest::new(&app);
    by_code.sign_in_by_code(&app, ANN).await;
    let page = by_code.open(&id).await;
    assert!(page.says("accepts a passkey only") && !page.says("<form"), "{}", page.html);
    let page = by_code.post(&format!("/me/consents/{id}/code"), &[("sequence", "3")]).await;
    assert!([403, 409].contains(&page.status), "{}", page.html);
    assert_eq!(consent(&app, &id).await["status"], "approved");
}
