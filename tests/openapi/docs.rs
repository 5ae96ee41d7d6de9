//! `/docs` in a real browser, with JavaScript.

use crate::browser::driver::Browser;
use crate::support::{Api, Reply, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_shown_and_nothing_is_loaded_from_elsewhere() {
    let app = TestApp::start().await;
    let browser = Browser::start_scripted().await;
    // The page that a browser starts with is its own.
    browser.open("about:blank").await;
    browser.requested().await;
    browser.open(&app.url("/docs")).await;
    browser.appears("#operations-Consents-createConsentSession").await;
    browser.shoot("docs").await;
    let one = "#operations-Consents-createConsentSession";
    browser.click(&format!("{one} .opblock-summary-control")).await;
    browser.appears(&format!("{one} .opblock-body .opblock-description")).await;
    let about = browser.text(&format!("{one} .opblock-description")).await;
    assert!(about.contains("Needs the permission consents:write."), "{about}");
    browser.appears(&format!("{one} .responses-table")).await;
    browser.shoot("docs-operation").await;
    let requested = browser.requested().await;
    assert!(requested.iter().any(|url| url.ends_with("/openapi.json")), "{requested:?}");
    let elsewhere: Vec<_> =
        requested.iter().filter(|url| !url.starts_with(&app.url("/")) && !url.starts_with("data:")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_documentation_runs_no_script_of_anybody_else() {
    let app = TestApp::start().await;
    let stranger = Api::new(app.url(""), String::new());
    for path in
        ["/docs/", "/docs/docs.js", "/docs/docs.css", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"]
    {
        let reply = Reply::of(stranger.http.get(app.url(path))).await;
        assert_eq!(reply.status, 200, "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    for path in ["/docs/swagger-initializer.js", "/docs/oauth2-redirect.html", "/docs/x", "/docs/%2e%2e%2fx"]
    {
        let reply = Reply::of(stranger.http.get(app.url(path))).await;
        assert_eq!((reply.status, &reply.body["type"]), (404, &serde_json::json!("not_found")), "{path}");
    }
}
