//! A service whose address is a number: browsers keep passkeys for names only, and pages say so.

use serde_json::json;

use super::Guest;
use crate::pages::{ALL, Visitor, consent};
use crate::support::enrollee::{Enrollee, create};
use crate::support::{RECIPIENT, TestApp, free_port};

pub async fn by_number() -> TestApp {
    let port = free_port();
    let number = move |config: &mut mobid::config::Config| {
        config.listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        config.public_url = format!("http://127.0.0.1:{port}").parse().unwrap();
    };
    let mut app = TestApp::start_with(number).await;
    app.api = crate::support::Api::new(format!("http://127.0.0.1:{port}"), app.api.key.clone());
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_go_on_and_passkeys_are_refused_honestly() {
    let app = by_number().await;
    let id = app.create_consent().await;
    let mut ann = Guest::new(&app);
    let page = ann.home().await;
    assert!(!page.says("With your passkey") && page.says("With a one-time code"), "{}", page.html);
    for path in ["/me/passkey/begin", "/me/passkey"] {
        let page = ann.post(path, &[]).await;
        assert_eq!((page.status, page.heading()), (409, "Passkeys cannot be used here"), "{path}");
    }
    let mut visitor = Enrollee::new(&app.api);
    let page = visitor.try_begin(&id, &[("action", "reject")]).await;
    assert_eq!((page.status, page.heading()), (409, "Passkeys cannot be used here"));
    assert_eq!(Visitor::new(&app).decide(&app, &id, "approve", &ALL).await.heading(), "Approved");
    let page = ann.sign_in_by_code(&app, RECIPIENT).await;
    assert!(page.says("Approved") && !page.says("Create a passkey"), "{}", page.html);
    let page = ann.post("/me/passkeys", &[]).await;
    assert_eq!((page.status, page.heading()), (409, "Passkeys cannot be used here"));
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_says_so_at_its_passkey_step() {
    let app = by_number().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    let page = ann.try_begin(&id, &[]).await;
    assert_eq!((page.status, page.heading()), (409, "Passkeys cannot be used here"), "{}", page.html);
    let page = ann.finish(&id, &json!({ "session": "ses_x" }), &json!({})).await;
    assert_eq!(page.status, 409, "{}", page.html);
}
