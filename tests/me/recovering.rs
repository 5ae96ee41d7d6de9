//! Beginning anew, from the pages that are somebody's own.

use chrono::TimeDelta;
use serde_json::json;

use super::{Guest, ann, messages_to};
use crate::support::TestApp;

const ANN: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_anew_sees_nothing_of_before_and_the_former_holder_keeps_it() {
    let app = TestApp::start().await;
    let before = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut former = ann(&app, &app.api, ANN).await;
    former.sign_in().await;
    let mut anew = Guest::new(&app);
    let page = anew.sign_in_by_code(&app, ANN).await;
    assert!(page.heading() == "Use your passkey" && page.says("You can begin anew"), "{}", page.html);
    let sent = messages_to(&app, ANN).len();
    let done = anew.post("/me/recover", &[]).await;
    assert_eq!((done.status, done.location()), (303, "/me"), "{}", done.html);
    let told = messages_to(&app, ANN)[sent].clone();
    assert!(told["subject"].as_str().unwrap().contains("passkeys were set aside"), "{told}");
    let page = anew.home().await;
    assert!(page.says("Nobody has asked you for anything yet"), "{}", page.html);
    assert_eq!(anew.open(&before).await.status, 404);
    let after = app.create_consent_with(json!({ "recipient": ANN })).await;
    let page = anew.home().await;
    assert!(page.says(&after) && !page.says(&before), "{}", page.html);

    let page = former.home().await;
    assert!(page.says("set up anew by somebody else since"), "{}", page.html);
    assert!(page.says(&before) && !page.says(&after), "{}", page.html);
    assert!(!page.says("Create a passkey"), "what they had is opened by what they have");
    assert_eq!(former.open(&before).await.status, 200);
    assert_eq!(former.open(&after).await.status, 404);
    let passkey = former.passkeys().await.remove(0);
    let page = former.browser.get(&passkey).await;
    assert!(page.says("nobody can ever see or withdraw these consents again"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_anew_by_a_passkey_by_no_code_or_by_an_old_one() {
    let app = TestApp::start().await;
    let mut former = ann(&app, &app.api, ANN).await;
    former.sign_in().await;
    assert_eq!(former.post("/me/recover", &[]).await.status, 403);
    let mut stranger = Guest::new(&app);
    assert_eq!(stranger.post("/me/recover", &[]).await.status, 403);
    let mut late = Guest::new(&app);
    late.sign_in_by_code(&app, ANN).await;
    app.advance(TimeDelta::minutes(5));
    let page = late.post("/me/recover", &[]).await;
    assert_eq!((page.status, page.heading()), (403, "Please sign in again first"));
    assert_eq!(app.count("person.handle_released").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_leads_to_where_one_can_begin_anew() {
    let app = TestApp::start().await;
    ann(&app, &app.api, ANN).await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut mallory = crate::pages::Visitor::new(&app);
    assert!(mallory.open(&id).await.says("href=\"/me\""));
    mallory.ask(&id, "approve", &crate::pages::ALL).await;
    let page = mallory.enter(&id, &crate::pages::last_code(&app)).await;
    assert_eq!((page.status, page.heading()), (403, "Use your passkey"));
    assert!(page.says("begin anew") && page.says("href=\"/me\""), "{}", page.html);
}
