//! What somebody who is not the person would like to do there.

use reqwest::Method;
use reqwest::header::ORIGIN;
use serde_json::json;

use super::{Guest, ann, code_sent_to, codes_to, messages_to};
use crate::pages::wrong;
use crate::support::TestApp;

const ANN: &str = "ann@example.com";
const AMY: &str = "amy@example.com";
const NOBODY: &str = "abe@example.com";

/// Everything that a form can be sent to.
const POSTS: [&str; 17] = [
    "/me/passkey/begin",
    "/me/passkey",
    "/me/code",
    "/me/again",
    "/me/decide",
    "/me/recover",
    "/me/sign-out",
    "/me/consents/{id}/passkey/begin",
    "/me/consents/{id}/passkey",
    "/me/consents/{id}/code",
    "/me/consents/{id}/decide",
    "/me/consents/{id}/report",
    "/me/passkeys/begin",
    "/me/passkeys",
    "/me/passkeys/{psk}/begin",
    "/me/passkeys/{psk}/drop",
    "/me/passkeys/psk_x/drop",
];

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_form_does_nothing_in_anybodys_name() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let (csrf, passkey) = (ann.csrf().await, ann.passkeys().await.remove(0));
    let passkey = passkey.rsplit('/').next().unwrap().to_owned();
    let events = || sqlx::query_scalar::<_, i64>("select count(*) from events").fetch_one(app.pool());
    let before = events().await.unwrap();
    for path in POSTS {
        let path = path.replace("{id}", &id).replace("{psk}", &passkey);
        let fields = [("csrf", csrf.as_str()), ("sure", "yes"), ("action", "everywhere"), ("sequence", "1")];
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let request = ann.browser.request(Method::POST, &path).form(&fields).header(name, value);
            let page = ann.browser.send(request).await;
            assert_eq!((page.status, page.heading()), (403, "This did not come from our page"), "{path}");
        }
        let mut without = fields;
        without[0] = ("csrf", "x");
        let page = ann.browser.post(&path, &without).await;
        assert_eq!((page.status, page.heading()), (403, "This form is no longer valid"), "{path}");
        let stranger = ann.browser.without_cookie().request(Method::POST, &path).form(&fields);
        let page = ann.browser.clone().send(stranger.header(ORIGIN, app.url(""))).await;
        assert_eq!((page.status, page.heading()), (403, "This form is no longer valid"), "{path}");
        let json = ann.browser.request(Method::POST, &path).json(&json!({ "csrf": csrf }));
        assert_eq!(ann.browser.send(json).await.status, 400, "{path}");
    }
    assert_eq!(events().await.unwrap(), before);
    assert!(ann.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_one_session_is_no_good_in_another_nor_after_signing_in() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let before = ann.csrf().await;
    ann.sign_in().await;
    let page = ann.browser.post("/me/sign-out", &[("csrf", &before)]).await;
    assert_eq!(page.status, 403);
    let mut mallory = Guest::new(&app);
    let theirs = mallory.csrf().await;
    assert_eq!(ann.browser.post("/me/sign-out", &[("csrf", &theirs)]).await.status, 403);
    assert!(ann.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_tells_nobody_whether_a_handle_is_known() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": AMY })).await;
    ann(&app, &app.api, ANN).await;
    let before = codes_to(&app, ANN).len();
    let mut told = vec![];
    for handle in [NOBODY, AMY, ANN] {
        let mut stranger = Guest::new(&app);
        let csrf = stranger.csrf().await;
        let blank = |html: &str| html.replace(&csrf, "csrf");
        let asked = stranger.ask(handle).await;
        let entry = stranger.browser.get("/me/code").await;
        let again = stranger.post("/me/again", &[]).await;
        let bad = stranger.enter("12345").await;
        let mut tries = vec![];
        for _ in 0..6 {
            // Whatever was sent, this one is wrong but once in a million.
            let page = stranger.enter("000000").await;
            tries.push((page.status, blank(&page.html)));
        }
        told.push((
            (asked.status, asked.location().to_owned(), asked.html),
            (entry.status, blank(&entry.html)),
            (again.status, again.location().to_owned()),
            (bad.status, blank(&bad.html)),
            tries,
        ));
    }
    assert_eq!(told[0].0, told[1].0);
    for part in &told[1..] {
        assert_eq!(part.0, told[0].0);
        assert_eq!(part.1, told[0].1);
        assert_eq!(part.2, told[0].2);
        assert_eq!(part.3, told[0].3);
        assert_eq!(part.4, told[0].4);
    }
    code_sent_to(&app, AMY, 1).await;
    code_sent_to(&app, ANN, before + 1).await;
    assert!(messages_to(&app, NOBODY).is_empty(), "nobody makes this service send to strangers");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_to_sign_in_are_counted_for_known_and_unknown_alike() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": AMY })).await;
    for handle in [AMY, NOBODY] {
        for n in 0..5 {
            // Another browser each time: the cap is not the session's.
            assert_eq!(Guest::new(&app).ask(handle).await.status, 303, "{handle} {n}");
        }
        let page = Guest::new(&app).ask(handle).await;
        assert_eq!((page.status, page.heading()), (429, "Too many tries"), "{handle}");
        assert_eq!(page.header("retry-after"), "3600");
    }
    code_sent_to(&app, AMY, 4).await;
    assert_eq!(messages_to(&app, AMY).len(), 5);
    // What was sent to sign in counts with what is sent to decide.
    let mut statuses = vec![];
    for _ in 0..3 {
        let id = app.create_consent_with(json!({ "recipient": AMY })).await;
        for _ in 0..2 {
            statuses.push(crate::pages::Visitor::new(&app).ask(&id, "reject", &[]).await.status);
        }
    }
    assert_eq!(statuses, [303, 303, 303, 303, 303, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_to_sign_in_takes_five_tries_and_its_handle_twenty_an_hour() {
    let app = TestApp::start().await;
    app.create_consent_with(json!({ "recipient": AMY })).await;
    for round in 0..4 {
        let mut mallory = Guest::new(&app);
        mallory.ask(AMY).await;
        let code = code_sent_to(&app, AMY, round).await;
        for _ in 0..5 {
            assert_eq!(mallory.enter(&wrong(&code)).await.status, 422);
        }
        let page = mallory.enter(&code).await;
        assert!(page.status == 422 && page.says("tried too often"), "{}", page.html);
    }
    let mut amy = Guest::new(&app);
    amy.ask(AMY).await;
    let page = amy.enter(&code_sent_to(&app, AMY, 4).await).await;
    assert_eq!((page.status, page.heading()), (429, "Too many tries"), "even the right one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_in_the_browser_that_asked_for_it_and_for_its_handle() {
    let app = TestApp::start().await;
    for handle in [ANN, AMY] {
        app.create_consent_with(json!({ "recipient": handle })).await;
    }
    let (mut mallory, mut ann) = (Guest::new(&app), Guest::new(&app));
    ann.ask(ANN).await;
    let code = code_sent_to(&app, ANN, 0).await;
    assert_eq!(mallory.enter(&code).await.status, 403, "nothing was asked for there");
    // Their own code, and then another handle in the same browser.
    mallory.ask(AMY).await;
    let own = code_sent_to(&app, AMY, 0).await;
    mallory.ask(ANN).await;
    let theirs = code_sent_to(&app, ANN, 1).await;
    if own != theirs {
        assert_eq!(mallory.enter(&own).await.status, 422);
    }
    assert!(!mallory.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_shown_for_one_thing_is_none_for_another() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    // A challenge of another page, relayed by a stranger to sign in as them.
    let mut on_the_page = crate::support::enrollee::Enrollee {
        browser: crate::pages::Visitor::new(&app),
        authenticator: ann.authenticator,
    };
    let begun = on_the_page.begin(&id, &[("action", "reject")]).await;
    let credential = on_the_page.answer(&begun);
    ann.authenticator = on_the_page.authenticator;
    let page = ann.answer("/me/passkey", &[], &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    // One that was begun in another browser.
    let mut mallory = Guest::new(&app);
    let begun = mallory.post("/me/passkey/begin", &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    let credential = ann.authenticator.get(&begun["get"]);
    let page = ann.answer("/me/passkey", &[], &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    assert!(!ann.is_signed_in().await);
    let mut spoilt = ann.post("/me/passkey/begin", &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&std::mem::take(&mut spoilt.html)).unwrap();
    let mut credential = ann.authenticator.get(&begun["get"]);
    credential["response"]["signature"] = json!("MAA");
    let page = ann.answer("/me/passkey", &[], &begun, &credential).await;
    assert!(page.status == 422 && page.says("does not fit this page"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_not_asked_for_without_end() {
    let app = TestApp::start().await;
    let mut mallory = Guest::new(&app);
    let csrf = mallory.csrf().await;
    for _ in 0..60 {
        let page = mallory.browser.post("/me/passkey/begin", &[("csrf", &csrf)]).await;
        assert_eq!(page.status, 200);
    }
    let page = mallory.browser.post("/me/passkey/begin", &[("csrf", &csrf)]).await;
    assert_eq!((page.status, page.heading()), (429, "Too many tries"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_a_page_that_is_not_kept_not_framed_and_runs_no_strange_script() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let mut pages = vec![ann.home().await, ann.browser.get("/me/left/out").await];
    pages.push(ann.browser.get("/me/nothing").await);
    pages.push(ann.browser.post("/me/decide", &[]).await);
    pages.push(ann.browser.get("/me/code").await);
    pages.push(ann.sign_in().await);
    for page in pages {
        assert_eq!(page.header("cache-control"), "no-store", "{}", page.html);
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(!page.says("<script>") && !page.says("onclick"), "{}", page.html);
    }
    assert_eq!(ann.browser.get("/me/nothing").await.status, 404);
    assert_eq!(ann.browser.get("/me/left/nonsense").await.status, 404);
    let put = ann.browser.request(Method::PUT, "/me");
    assert_eq!(ann.browser.send(put).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_from_elsewhere_finds_who_is_signed_in() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    // The browser keeps a strict cookie to itself when another site leads here: the page comes again by itself.
    let request = ann.browser.without_cookie().request(Method::GET, "/me");
    let page = ann.browser.clone().send(request.header("Sec-Fetch-Site", "cross-site")).await;
    assert!(page.header("refresh").starts_with("0; url=/me"), "{}", page.html);
    assert_eq!(page.header("set-cookie"), "");
    assert!(ann.is_signed_in().await);
}
