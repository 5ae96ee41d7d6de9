//! What must not work, and that the page says so honestly.

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::ORIGIN;
use serde_json::json;

use super::{ALL, Visitor, consent, last_code, wrong};
use crate::support::TestApp;

async fn status(app: &TestApp, id: &str) -> String {
    consent(app, id).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_without_a_code() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut mallory = Visitor::new(&app);
    let csrf = mallory.csrf(&id).await;
    let page = mallory.post(&format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", "123456")]).await;
    assert_eq!((page.status, page.heading()), (403, "No code was asked for here"));
    mallory.ask(&id, "approve", &ALL).await;
    for nothing in ["", "12345", "abcdef", "1234567"] {
        let page = mallory.enter(&id, nothing).await;
        assert_eq!(page.status, 422);
        assert!(page.says("Enter the 6 digits that we sent you."));
    }
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_one_request_decides_no_other() {
    let app = TestApp::start().await;
    let (one, other) = (app.create_consent().await, app.create_consent().await);
    let mut ann = Visitor::new(&app);
    ann.ask(&one, "approve", &ALL).await;
    let code = last_code(&app);
    let page = ann.enter(&other, &code).await;
    assert_eq!((page.status, page.heading()), (403, "No code was asked for here"));
    ann.ask(&other, "approve", &ALL).await;
    if last_code(&app) != code {
        assert_eq!(ann.enter(&other, &code).await.status, 422);
    }
    assert_eq!(status(&app, &other).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_asked_for_in_one_browser_is_no_good_in_another() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let (mut ann, mut mallory) = (Visitor::new(&app), Visitor::new(&app));
    ann.ask(&id, "approve", &ALL).await;
    let code = last_code(&app);
    let page = mallory.enter(&id, &code).await;
    assert_eq!((page.status, page.heading()), (403, "No code was asked for here"));
    mallory.ask(&id, "reject", &[]).await;
    if last_code(&app) != code {
        assert_eq!(mallory.enter(&id, &code).await.status, 422);
    }
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_tries_end_a_code_even_for_the_right_one() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let code = last_code(&app);
    for left in ["4 tries left", "3 tries left", "2 tries left", "1 try left"] {
        let page = ann.enter(&id, &wrong(&code)).await;
        assert_eq!(page.status, 422);
        assert!(page.says("That is not the code") && page.says(left), "{}", page.html);
    }
    let page = ann.enter(&id, &wrong(&code)).await;
    assert!(page.status == 422 && page.says("tried too often"), "{}", page.html);
    let page = ann.enter(&id, &code).await;
    assert!(page.status == 422 && page.says("tried too often") && page.says("Send a new code"));
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_have_five_tries_together() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let (code, csrf) = (last_code(&app), ann.csrf(&id).await);
    let guesses = (0..40).map(|_| {
        let (mut ann, csrf, guess) = (ann.clone(), csrf.clone(), wrong(&code));
        let path = format!("/r/{id}/decide");
        async move { ann.post(&path, &[("csrf", &csrf), ("code", &guess)]).await }
    });
    let pages = futures::future::join_all(guesses).await;
    assert!(pages.iter().all(|page| page.status == 422));
    let compared = pages.iter().filter(|page| page.says("That is not the code")).count();
    assert_eq!(compared, 4, "four wrong tries leave some, the fifth leaves none");
    let tries: i32 =
        sqlx::query_scalar("select tries from one_time_codes").fetch_one(app.pool()).await.unwrap();
    assert_eq!(tries, 5);
    assert_eq!(ann.enter(&id, &code).await.status, 422);
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_changed_meanwhile_is_not_decided() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let (code, csrf) = (last_code(&app), ann.csrf(&id).await);
    let changed = app.api.patch(&format!("/v1/service/consents/{id}"), &json!({"purpose": "payment"})).await;
    assert_eq!(changed.status, 200);
    let page = ann.post(&format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", &code)]).await;
    assert_eq!((page.status, page.heading()), (409, "The request has changed"));
    assert_eq!(ann.get(&format!("/r/{id}/code")).await.status, 409);
    let page = ann.post(&format!("/r/{id}/again"), &[("csrf", &csrf)]).await;
    assert_eq!(page.status, 409);
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_an_older_version_is_not_taken() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let old = ann.open(&id).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({"scope": ["name", "address"]})).await;
    let page = ann.ask_from(&old, &id, "approve", &ALL).await;
    assert_eq!((page.status, page.heading()), (409, "The request has changed"));
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_is_not_taken() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let page = ann.open(&id).await;
    let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
    let fields = [("csrf", csrf.as_str()), ("sequence", &sequence), ("action", "reject")];
    let path = format!("/r/{id}/code");
    for (name, value) in [
        (ORIGIN.as_str(), "https://evil.example"),
        (ORIGIN.as_str(), "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = ann.request(Method::POST, &path).header(name, value).form(&fields);
        let page = ann.send(request).await;
        assert_eq!(
            (page.status, page.heading()),
            (403, "This did not come from our page"),
            "{name}: {value}"
        );
    }
    assert!(app.outbox().is_empty());
    let request = ann.request(Method::POST, &path).form(&fields);
    assert_eq!(ann.send(request).await.status, 303, "a browser that says nothing has its cookie and token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_this_sessions_token_is_not_taken() {
    let app = TestApp::start().await;
    let (id, other) = (app.create_consent().await, app.create_consent().await);
    let (mut ann, mut mallory) = (Visitor::new(&app), Visitor::new(&app));
    ann.open(&id).await;
    let tokens = [String::new(), "x".to_owned(), mallory.csrf(&id).await, ann.csrf(&other).await];
    let path = format!("/r/{id}/code");
    for token in tokens {
        let fields = [("csrf", token.as_str()), ("sequence", "1"), ("action", "reject")];
        let page = ann.post(&path, &fields).await;
        assert_eq!((page.status, page.heading()), (403, "This form is no longer valid"));
    }
    let csrf = ann.csrf(&id).await;
    let mut bare = ann.without_cookie();
    let fields = [("csrf", csrf.as_str()), ("sequence", "1"), ("action", "reject")];
    assert_eq!(bare.post(&path, &fields).await.status, 403, "no cookie");
    let fields = [("sequence", "1"), ("action", "reject")];
    assert_eq!(ann.post(&path, &fields).await.status, 403, "no token");
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_is_no_good() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let code = last_code(&app);
    app.advance(TimeDelta::minutes(5));
    let page = ann.enter(&id, &code).await;
    assert!(page.status == 422 && page.says("Your code has expired"), "{}", page.html);
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_request_is_not_decided() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"expiresIn": 2})).await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let (code, csrf) = (last_code(&app), ann.csrf(&id).await);
    app.advance(TimeDelta::minutes(3));
    let fields = [("csrf", csrf.as_str()), ("code", &code), ("sequence", "1"), ("action", "approve")];
    for path in ["decide", "code", "again"] {
        let page = ann.post(&format!("/r/{id}/{path}"), &fields).await;
        assert_eq!((page.status, page.heading()), (409, "This can no longer be done"), "{path}");
    }
    assert_eq!(status(&app, &id).await, "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let (code, csrf) = (last_code(&app), ann.csrf(&id).await);
    let (path, fields) = (format!("/r/{id}/decide"), [("csrf", csrf.as_str()), ("code", &code)]);
    let mut before = ann.clone();
    assert_eq!(ann.post(&path, &fields).await.status, 303);
    let sequence = ann.open(&id).await.field("sequence");
    let again = before.post(&path, &fields).await;
    assert_eq!((again.status, again.header("set-cookie")), (303, ""), "only leads to what came of it");
    assert!(!before.open(&id).await.says("Öberg"), "the old session proves nothing");
    assert_eq!(ann.post(&path, &fields).await.status, 403, "the new session has another token");
    assert_eq!(ann.open(&id).await.field("sequence"), sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_decides_nothing_on_the_pages() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut client = Visitor::new(&app);
    let page = client.open(&id).await;
    let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
    let fields =
        [("csrf", csrf.as_str()), ("code", "000000"), ("sequence", &sequence), ("action", "approve")];
    let request = client.form(&format!("/r/{id}/decide"), &fields).header("X-Mobid-Key", &app.api.key);
    assert_eq!(client.send(request).await.status, 403);
    for path in ["decide", "approve"] {
        let reply = app.api.post(&format!("/v1/service/consents/{id}/{path}"), &json!({})).await;
        assert_eq!(reply.status, 404);
    }
    assert_eq!(status(&app, &id).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_for_cannot_be_granted() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let fields = [("scope", "name"), ("scope", "salary"), ("claim.name", "Ann"), ("claim.salary", "1")];
    let page = ann.ask(&id, "approve", &fields).await;
    assert_eq!((page.status, page.heading()), (400, "We could not read that form"));
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_demands_a_passkey_cannot_be_answered_with_a_code() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"requireAssurance": "passkey"})).await;
    let mut ann = Visitor::new(&app);
    let page = ann.open(&id).await;
    assert!(page.status == 200 && page.says("A passkey is needed") && !page.says("one-time code"));
    let csrf = page.field("csrf");
    for action in ["approve", "reject"] {
        let fields = [("csrf", csrf.as_str()), ("sequence", "1"), ("action", action)];
        let page = ann.post(&format!("/r/{id}/code"), &fields).await;
        assert_eq!((page.status, page.heading()), (403, "A passkey is needed"));
    }
    assert!(app.outbox().is_empty());
    assert_eq!(status(&app, &id).await, "pending");
}
