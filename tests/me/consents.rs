//! All that somebody was asked for, over all clients, and nothing of anybody else's.

use chrono::TimeDelta;
use serde_json::json;

use super::{Guest, ann};
use crate::pages::{ALL, Visitor};
use crate::support::{RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn every_consent_of_every_client_is_there_newest_first_and_paged() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut ids = vec![];
    for n in 0..23 {
        let api = if n % 2 == 0 { &app.api } else { &other };
        let body = json!({ "recipient": ANN, "purpose": format!("purpose_{n}"), "scope": ["name"] });
        ids.push(api.post("/v1/service/consents", &body).await.id());
        app.advance(TimeDelta::seconds(1));
    }
    app.create_consent_with(json!({ "recipient": "bob@example.com" })).await;
    let mut ann = Guest::new(&app);
    let mut page = ann.sign_in_by_code(&app, ANN).await;
    let mut seen: Vec<String> = vec![];
    let mut pages = 0;
    loop {
        pages += 1;
        let links = page.html.split("href=\"/me/consents/").skip(1);
        seen.extend(links.map(|link| link.split('"').next().unwrap().to_owned()));
        let Some(older) = page.html.split("href=\"/me?before=").nth(1) else { break };
        let older = format!("/me?before={}", older.split('"').next().unwrap());
        page = ann.browser.get(&older).await;
        assert_eq!(page.status, 200);
    }
    ids.reverse();
    assert_eq!((pages, seen), (3, ids));
    assert!(ann.home().await.says("Another"), "under the name that the owner gave the client");
    let page = ann.browser.get("/me?before=nonsense").await;
    assert_eq!(page.status, 200, "what is no place to begin is the beginning");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_consent_says_who_asked_what_for_which_fields_until_when_and_what_became_of_it() {
    let app = TestApp::start().await;
    let approved = app.create_consent().await;
    let fields = [("scope", "name"), ("claim.name", "Ann Öberg")];
    Visitor::new(&app).decide(&app, &approved, "approve", &fields).await;
    let rejected = app.create_consent().await;
    Visitor::new(&app).decide(&app, &rejected, "reject", &[]).await;
    let revoked = app.create_consent().await;
    app.api.delete(&format!("/v1/service/consents/{revoked}")).await;
    let expired = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::minutes(1));
    let pending = app.create_consent().await;
    let mut ann = Guest::new(&app);
    let home = ann.sign_in_by_code(&app, RECIPIENT).await;
    for word in ["Waits for you", "Approved", "Rejected", "Expired", "Ended", "Verifying your identity"] {
        assert!(home.says(word), "{word}: {}", home.html);
    }
    let page = ann.open(&approved).await;
    for word in ["Owner", "Approved", "Verifying your identity", "Answer by", "Asked", "A one-time code"] {
        assert!(page.says(word), "{word}: {}", page.html);
    }
    assert!(page.says("Ann Öberg") && page.says("Not granted") && page.says("Email address, Phone number"));
    assert!(page.says("Withdraw consent"));
    let page = ann.open(&rejected).await;
    assert!(page.says("Nothing was shared") && !page.says("Withdraw"), "{}", page.html);
    assert!(ann.open(&revoked).await.says("took this request back"));
    assert!(ann.open(&expired).await.says("was not answered in time"));
    let page = ann.open(&pending).await;
    assert!(
        page.says("waits for your answer") && page.says(&format!("href=\"/r/{pending}\"")),
        "{}",
        page.html
    );
    assert!(!page.says("<form"), "nothing is decided here by accident");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_consent_is_told_from_one_that_never_was() {
    let app = TestApp::start().await;
    let bobs = app.create_consent_with(json!({ "recipient": "bob@example.com" })).await;
    app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let never = "cs_00000000000000000000000000";
    for path in ["", "/code", "/report"] {
        let theirs = ann.browser.get(&format!("/me/consents/{bobs}{path}")).await;
        let none = ann.browser.get(&format!("/me/consents/{never}{path}")).await;
        assert_eq!((theirs.status, none.status), (404, 404), "{path}");
        assert_eq!(theirs.html, none.html, "{path}");
    }
    for path in ["/passkey/begin", "/passkey", "/code", "/decide", "/report"] {
        let fields = [("sequence", "1"), ("reason", "misleading"), ("code", "123456")];
        let theirs = ann.post(&format!("/me/consents/{bobs}{path}"), &fields).await;
        let none = ann.post(&format!("/me/consents/{never}{path}"), &fields).await;
        assert_eq!((theirs.status, none.status), (404, 404), "{path}");
        assert_eq!(theirs.html, none.html, "{path}");
    }
    let no_id = ann.open("cs_x").await;
    assert_eq!(no_id.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_never_asked_for_anything_sees_that_honestly() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let page = ann.sign_in().await;
    assert!(page.says("Nobody has asked you for anything yet"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_of_somebody_whom_its_client_forgot_is_no_trouble() {
    let app = TestApp::start().await;
    let mut ann = Guest::new(&app);
    let (kept, gone) = (app.create_consent().await, app.create_consent().await);
    Visitor::new(&app).decide(&app, &kept, "approve", &ALL).await;
    ann.sign_in_by_code(&app, RECIPIENT).await;
    // What erasing somebody for one client comes to.
    sqlx::query("delete from vault_keys where subject like 'usr_%'").execute(app.pool()).await.unwrap();
    let twin = app.twin().await;
    let mut there = Guest::new(&twin);
    there.browser.cookie.clone_from(&ann.browser.cookie);
    let page = there.home().await;
    assert!(page.status == 200 && page.says(&kept) && page.says(&gone), "{}", page.html);
    let page = there.open(&kept).await;
    assert_eq!((page.status, page.heading()), (410, "This request is gone"));
}
