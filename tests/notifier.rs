//! Codes and links on their way to people, through servers that others wrote: those that take them, and those that
//! refuse, hang or lead elsewhere.

mod hook;
mod mail;
mod said;
mod stopping;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::pages::Visitor;
use crate::support::TestApp;

/// A server whose messages go there.
async fn through(notifier: &str) -> TestApp {
    TestApp::start_with(|config| notifier.clone_into(&mut config.notifier)).await
}

/// A consent without fields, asked of somebody; they press reject, and the page answers.
async fn asks_for_a_code(app: &TestApp, recipient: &str) -> (String, u16, String) {
    let id = app.create_consent_with(json!({ "recipient": recipient, "scope": [] })).await;
    let page = Visitor::new(app).ask(&id, "reject", &[]).await;
    (id, page.status, page.heading().to_owned())
}

/// Whether the page says honestly, and within the bound, that nothing was sent.
async fn says_that_nothing_went_out(app: &TestApp, recipient: &str) {
    let asked = tokio::time::timeout(Duration::from_secs(20), asks_for_a_code(app, recipient)).await;
    let (_, status, heading) = asked.expect("an answer in time");
    assert_eq!((status, heading.as_str()), (503, "The code could not be sent"));
    // It serves on.
    let health = app.api.request(Method::GET, "/v1/health");
    assert_eq!(health.send().await.unwrap().status(), 200);
}

/// An address that takes connections and never says a word.
async fn silent() -> (tokio::net::TcpListener, u16) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
