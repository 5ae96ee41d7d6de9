//! How long somebody is signed in, and where.

use chrono::TimeDelta;
use serde_json::json;

use super::{Guest, ann, code_sent_to};
use crate::pages::Visitor;
use crate::support::{RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_ten_minutes_after_the_last_look_and_after_an_hour_whatever_is_done() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    app.advance(TimeDelta::minutes(10));
    assert!(!ann.is_signed_in().await, "idle");
    ann.sign_in().await;
    for minutes in [9, 9, 9, 9, 9, 9] {
        app.advance(TimeDelta::minutes(minutes));
        assert!(ann.is_signed_in().await);
    }
    app.advance(TimeDelta::minutes(6));
    assert!(!ann.is_signed_in().await, "an hour");
    let page = ann.post("/me/passkeys", &[]).await;
    assert_eq!((page.status, page.heading()), (403, "You are not signed in any more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_another_cookie_so_one_that_was_planted_opens_nothing() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let mut mallory = Guest::new(&app);
    mallory.home().await;
    // Planted by whoever knows it.
    let mut ann = Guest::new(&app);
    ann.browser.cookie.clone_from(&mallory.browser.cookie);
    ann.sign_in_by_code(&app, RECIPIENT).await;
    assert_ne!(ann.browser.cookie, mallory.browser.cookie);
    assert!(ann.is_signed_in().await && !mallory.is_signed_in().await);
    let before = ann.browser.cookie.clone();
    ann.post("/me/sign-out", &[]).await;
    assert_ne!(ann.browser.cookie, before, "nor is anything left in it afterwards");
    let mut stolen = Guest::new(&app);
    stolen.browser.cookie = before;
    assert!(!stolen.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_another_page_signs_nobody_in() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.decide(&app, &id, "reject", &[]).await;
    let cookie = ann.cookie.clone().unwrap();
    assert!(cookie.starts_with("__Host-mobid="));
    let mut mallory = Guest::new(&app);
    for named in [cookie.clone(), cookie.replace("__Host-mobid=", "__Host-mobid-me=")] {
        mallory.browser.cookie = Some(named);
        assert!(!mallory.is_signed_in().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_instance_knows_a_session_and_its_end() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let mut there = Guest::new(&twin);
    there.browser.cookie.clone_from(&ann.browser.cookie);
    assert!(there.is_signed_in().await);
    let page = ann.post("/me/sign-out", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/me/left/out"));
    let said = ann.browser.get("/me/left/out").await;
    assert_eq!(said.heading(), "You are signed out");
    assert!(!there.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_every_session_of_the_person_and_of_nobody_else() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": "bob@example.com" })).await;
    let mut bob = Guest::new(&app);
    bob.sign_in_by_code(&app, "bob@example.com").await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let phone = ann.at_another_browser(&app);
    ann.sign_in().await;
    let page = ann.post("/me/sign-out", &[("action", "everywhere")]).await;
    assert_eq!(page.location(), "/me/left/everywhere");
    let mut phone = Guest { browser: phone, ..Guest::new(&app) };
    assert!(!phone.is_signed_in().await && !ann.is_signed_in().await);
    assert!(bob.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_session_is_no_cookie_and_is_removed_after_its_end() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let mut ann = Guest::new(&app);
    ann.ask(RECIPIENT).await;
    code_sent_to(&app, RECIPIENT, 0).await;
    ann.sign_in_by_code(&app, RECIPIENT).await;
    let token = ann.browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    assert!(!crate::pages::dump(&app).await.contains(&token));
    app.advance(TimeDelta::hours(1));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from person_sessions").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
}
