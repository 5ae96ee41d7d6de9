//! What an attacker would like to do with an enrollment.

use reqwest::header::ORIGIN;
use serde_json::json;

use super::status;
use crate::pages::{Visitor, last_code};
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create, create_with, registered};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_proves_nothing_elsewhere() {
    let app = TestApp::start().await;
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    let (mut ann, mut mallory) = (Visitor::new(&app), Visitor::new(&app));
    ann.ask(&first, "enroll", &[]).await;
    let code = last_code(&app);
    // In another browser, for another enrollment, and for a consent of the same recipient.
    let csrf = mallory.csrf(&first).await;
    let path = format!("/r/{first}/decide");
    assert_eq!(mallory.post(&path, &[("csrf", &csrf), ("code", &code)]).await.status, 403);
    let csrf = ann.csrf(&second).await;
    let path = format!("/r/{second}/decide");
    assert_eq!(ann.post(&path, &[("csrf", &csrf), ("code", &code)]).await.status, 403);
    let consent = app.create_consent().await;
    let csrf = ann.csrf(&consent).await;
    let path = format!("/r/{consent}/decide");
    assert_eq!(ann.post(&path, &[("csrf", &csrf), ("code", &code)]).await.status, 403);
    assert_eq!(status(&app, &first).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_the_proof_gets_nothing_of_it() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.browser.open(&id).await;
    // Planted by whoever knows it.
    let mut mallory = Enrollee::new(&app.api);
    mallory.browser.cookie.clone_from(&ann.browser.cookie);
    let page = ann.prove(&app, &id).await;
    assert_eq!(page.heading(), "Create your passkey");
    assert_ne!(ann.browser.cookie, mallory.browser.cookie);
    assert_eq!(mallory.browser.open(&id).await.heading(), "Owner asks you to set up a passkey");
    assert_eq!(mallory.try_begin(&id, &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceremony_is_good_in_the_browser_that_began_it() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let (mut ann, mut mallory) = (Enrollee::new(&app.api), Enrollee::new(&app.api));
    ann.prove(&app, &id).await;
    let begun = ann.begin(&id, &[]).await;
    mallory.prove(&app, &id).await;
    let credential = mallory.answer(&begun);
    let page = mallory.finish(&id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    let credential = ann.answer(&begun);
    assert_eq!(ann.finish(&id, &begun, &credential).await.status, 303);
    let again = ann.finish(&id, &begun, &credential).await;
    assert_eq!(again.status, 422, "once");
    assert_eq!(status(&app, &id).await, "device_registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_post_begins_and_finishes_nothing() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    let csrf = ann.browser.csrf(&id).await;
    for path in ["passkey/begin", "passkey", "recover", "code", "decide"] {
        let path = format!("/r/{id}/{path}");
        let request = ann.browser.request(reqwest::Method::POST, &path).form(&[("csrf", &csrf)]);
        let page = ann.browser.send(request.header(ORIGIN, "https://evil.example")).await;
        assert_eq!((page.status, page.heading()), (403, "This did not come from our page"), "{path}");
        let page = ann.browser.post(&path, &[("csrf", "x")]).await;
        assert_eq!((page.status, page.heading()), (403, "This form is no longer valid"), "{path}");
    }
    assert_eq!(status(&app, &id).await, "device_registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_tells_nobody_whether_its_recipient_is_known() {
    let app = TestApp::start().await;
    let known = create_with(&app.api, json!({ "recipient": "ann@example.com" })).await;
    Enrollee::new(&app.api).enroll(&app, &known).await;
    let known = create_with(&app.api, json!({ "recipient": "ann@example.com" })).await;
    let unknown = create_with(&app.api, json!({ "recipient": "abe@example.com" })).await;
    let mut pages = vec![];
    for id in [&known, &unknown] {
        let mut stranger = Visitor::new(&app);
        let page = stranger.open(id).await;
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let begin = stranger.post(&format!("/r/{id}/passkey/begin"), &[("csrf", &csrf)]).await;
        let recover = stranger.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await;
        let asked = stranger.ask(id, "enroll", &[]).await;
        let entry = stranger.get(&format!("/r/{id}/code")).await;
        let blank = |html: &str| html.replace(id, "id").replace(&csrf, "csrf");
        pages.push((
            (page.status, blank(&page.html), sequence),
            (begin.status, blank(&begin.html), recover.status, blank(&recover.html)),
            (asked.status, blank(asked.location()), entry.status, blank(&entry.html)),
        ));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passkey_of_somebody_else_is_not_the_recipients() {
    let app = TestApp::start().await;
    let mut bob = Enrollee::new(&app.api);
    bob.enroll(&app, &create_with(&app.api, json!({ "recipient": "bob@example.com" })).await).await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    // Bob reads Ann's messages for a while.
    let id = create(&app.api).await;
    let page = bob.prove(&app, &id).await;
    assert_eq!(page.heading(), "Use your passkey");
    let page = bob.passkey(&id).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    assert_eq!(status(&app, &id).await, "pending");
}
