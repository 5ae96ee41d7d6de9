//! What is shown to whom, state by state, and what every page carries.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::visitor::Page;
use super::{ALL, Visitor, last_code};
use crate::support::{Api, RECIPIENT, TestApp, reference_body};

fn carries_what_protects_it(page: &Page) {
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self';",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(page.header("permissions-policy").contains("camera=()"));
    assert_eq!(page.header("cache-control"), "no-store");
    let ours = page.html.matches("<script type=\"module\" src=\"/assets/passkey.js").count();
    assert_eq!(page.html.matches("<script").count(), ours, "no script but ours");
    assert!(!page.says("style=\"") && !page.says(" onclick"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_can_be_framed_or_cached_and_none_runs_a_script_but_ours() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let wild = "/r/cs_nothing/../../x";
    for path in [&format!("/r/{id}"), "/r/cs_x", "/r/%ff", "/qr/qr_x", "/r/a/b/c", &format!("/qr/{id}"), wild]
    {
        let page = ann.get(path).await;
        if path != wild {
            carries_what_protects_it(&page);
        }
    }
    carries_what_protects_it(&ann.post(&format!("/r/{id}/code"), &[]).await);
    carries_what_protects_it(&ann.post(&format!("/r/{id}/decide"), &[("csrf", "x")]).await);
    let request = ann.request(Method::PUT, &format!("/r/{id}"));
    let page = ann.send(request).await;
    assert_eq!((page.status, page.heading()), (405, "That does not work here"));
    carries_what_protects_it(&page);
    ann.ask(&id, "approve", &ALL).await;
    carries_what_protects_it(&ann.get(&format!("/r/{id}/code")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn holding_the_link_shows_what_is_asked_and_nothing_of_whom() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"scope": ["name", "phone", "shoe_size"]})).await;
    let page = Visitor::new(&app).open(&id).await;
    assert_eq!(page.status, 200);
    for shown in ["asks for your consent", "Verifying your identity", "Full name", "Shoe size", "+1 ••• 90"]
    {
        assert!(page.says(shown), "{shown}");
    }
    assert!(!page.says(RECIPIENT) && !page.says("1234567890"));
    assert_eq!(page.field("claim.phone"), "", "not even what we know");
    assert!(page.says("type=\"tel\"") && page.says("lang=\"en\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_names_nothing_looks_like_one_that_is_malformed() {
    let app = TestApp::start().await;
    let never = mobid_domain::id::ConsentId(mobid::ids::new_id()).to_string();
    let mut ann = Visitor::new(&app);
    let unknown = ann.open(&never).await;
    assert_eq!((unknown.status, unknown.heading()), (404, "There is nothing here"));
    for malformed in ["cs_x", "x", "qr_01kb0m2x9qe3r8s6t4v2w0y5zh", "%ff", "%00"] {
        let page = ann.open(malformed).await;
        assert_eq!((page.status, &page.html), (404, &unknown.html), "{malformed}");
    }
    assert_eq!(ann.get("/qr/qr_01kb0m2x9qe3r8s6t4v2w0y5zh").await.html, unknown.html);
    assert_eq!(ann.get("/qr/x").await.html, unknown.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_has_its_own_words() {
    let app = TestApp::start().await;
    let mut ann = Visitor::new(&app);
    let expired = app.create_consent_with(json!({"expiresIn": 1})).await;
    let (revoked, taken_back) = (app.create_consent().await, app.create_consent().await);
    ann.decide(&app, &taken_back, "approve", &ALL).await;
    app.advance(TimeDelta::minutes(1));
    for id in [&revoked, &taken_back] {
        assert_eq!(app.api.delete(&format!("/v1/service/consents/{id}")).await.status, 200);
    }
    let page = ann.open(&expired).await;
    assert_eq!((page.status, page.heading()), (200, "This request has expired"), "by time alone");
    let page = ann.open(&revoked).await;
    assert_eq!((page.status, page.heading()), (200, "The request was taken back"));
    let page = ann.open(&taken_back).await;
    assert_eq!(page.heading(), "This consent has ended");
    assert!(
        page.says("What had been shared")
            && page.says("No longer available")
            && !page.says("Öberg")
            && !page.says("<form")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_to_the_client_is_shown_to_the_recipient_only() {
    let app = TestApp::start().await;
    let origins = app.api.get("/v1/service/consents?limit=1").await;
    assert_eq!(origins.status, 200);
    let back = format!("{}/done?u=42", app.url(""));
    let reply = app
        .api
        .post(
            "/v1/service/consents",
            &json!({"recipient": RECIPIENT, "purpose": "login", "scope": [], "returnUrl": back}),
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.data()["id"].as_str().unwrap();
    let mut ann = Visitor::new(&app);
    assert!(!ann.open(id).await.says("/done?u=42"));
    assert!(ann.decide(&app, id, "approve", &[]).await.says("/done?u=42"));
    assert!(!Visitor::new(&app).open(id).await.says("/done?u=42"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_another_site_does_not_cost_the_session_that_waits_for_a_code() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    // The browser keeps a Strict cookie to itself when another site leads here.
    let mut led = ann.without_cookie();
    let request = led.request(Method::GET, &format!("/r/{id}")).header("Sec-Fetch-Site", "cross-site");
    let page = led.send(request).await;
    assert_eq!((page.header("set-cookie"), page.header("refresh")), ("", format!("0; url=/r/{id}").as_str()));
    assert_eq!(ann.enter(&id, &super::last_code(&app)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_shut_out_is_given_nothing_more() {
    let app = TestApp::start().await;
    let body = json!({ "name": "Mallory Ltd", "permissions": ["consents:read", "consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    let client = Api::new(app.api.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let reference = reference_body();
    let (one, other) = (
        client.post("/v1/service/consents", &reference).await.id(),
        client.post("/v1/service/consents", &reference).await.id(),
    );
    let (mut ann, path) = (Visitor::new(&app), format!("/v1/clients/{}", made.id()));
    ann.ask(&one, "approve", &ALL).await;
    let code = last_code(&app);
    ann.ask(&other, "reject", &[]).await;
    let (rejecting, csrf) = (last_code(&app), ann.csrf(&one).await);
    assert_eq!(app.api.patch(&path, &json!({ "status": "suspended" })).await.status, 200);
    for page in [
        ann.open(&one).await,
        ann.get(&format!("/r/{one}/code")).await,
        ann.post(&format!("/r/{one}/decide"), &[("csrf", &csrf), ("code", &code)]).await,
    ] {
        assert_eq!((page.status, page.heading()), (409, "This request cannot be answered"));
    }
    assert_eq!(ann.enter(&other, &rejecting).await.status, 303);
    assert_eq!(ann.open(&other).await.heading(), "Rejected");
    assert_eq!(app.api.patch(&path, &json!({ "status": "active" })).await.status, 200);
    assert_eq!(client.get(&format!("/v1/service/consents/{one}")).await.data()["status"], "pending");
    assert_eq!(ann.open(&one).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_speaks_as_its_client_asks_else_as_the_browser_likes() {
    let app = TestApp::start().await;
    let mut ann = Visitor::new(&app);
    let (open, english) =
        (app.create_consent().await, app.create_consent_with(json!({ "locale": "en-GB" })).await);
    for (path, liked, lang, heading) in [
        (format!("/r/{open}"), "de-CH, en;q=0.5", "de", "Owner bittet um Ihre Einwilligung"),
        (format!("/r/{open}"), "fr", "en", "Owner asks for your consent"),
        (format!("/r/{english}"), "de", "en", "Owner asks for your consent"),
        ("/r/cs_x".to_owned(), "de", "de", "Hier ist nichts"),
        ("/qr/qr_x".to_owned(), "de", "de", "Hier ist nichts"),
        ("/r/a/b/c".to_owned(), "de", "de", "Hier ist nichts"),
    ] {
        let request = ann.request(Method::GET, &path).header("Accept-Language", liked);
        let page = ann.send(request).await;
        assert_eq!(page.heading(), heading, "{path} {liked}");
        assert!(page.says(&format!("<html lang=\"{lang}\">")), "{path} {liked}");
    }
    // What goes wrong with a request is said as its client asked.
    let german = app.create_consent_with(json!({ "locale": "de" })).await;
    assert_eq!(ann.get(&format!("/r/{german}")).await.status, 200);
    app.api.patch(&format!("/v1/service/consents/{german}"), &json!({ "purpose": "login" })).await;
    let page = ann.open(&german).await;
    app.api.delete(&format!("/v1/service/consents/{german}")).await;
    let late = ann.ask_from(&page, &german, "reject", &[]).await;
    assert_eq!((late.status, late.heading()), (409, "Das ist nicht mehr möglich"));
}
