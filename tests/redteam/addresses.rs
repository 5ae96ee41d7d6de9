//! Addresses of people: which is whose, and what is sent there.

use serde_json::json;

use crate::pages::{Visitor, last_code};
use crate::support::enrollee::{Enrollee, create_with};
use crate::support::mail_sink::MailSink;
use crate::support::{Api, TestApp};

async fn user(app: &TestApp, recipient: &str) -> String {
    let id = create_with(&app.api, json!({ "recipient": recipient })).await;
    let seen = app.api.get(&format!("/v1/enrollments/{id}")).await;
    seen.data()["userId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mailbox_is_one_person_however_it_is_written_and_what_looks_alike_is_another() {
    let app = TestApp::start().await;
    let ann = user(&app, "ann@bücher.example").await;
    for same in ["ANN@BÜCHER.example", "ann@xn--bcher-kva.example", "\"ann\"@bücher.example"] {
        assert_eq!(user(&app, same).await, ann, "{same}");
    }
    for other in ["аnn@bücher.example", "ann@bucher.example", "ann+x@bücher.example", "ànn@bücher.example"]
    {
        assert_ne!(user(&app, other).await, ann, "{other}");
    }
    // Who has a passkey there is not to be passed by by another spelling.
    let id = create_with(&app.api, json!({ "recipient": "ann@bücher.example" })).await;
    Enrollee::new(&app.api).enroll(&app, &id).await;
    assert_eq!(app.outbox().last().unwrap()["to"], "ann@xn--bcher-kva.example");
    let id = app.create_consent_with(json!({ "recipient": "\"an\\n\"@BÜCHER.example", "scope": [] })).await;
    let mut mallory = Visitor::new(&app);
    assert_eq!(mallory.ask(&id, "approve", &[]).await.status, 303);
    assert_eq!(mallory.enter(&id, &last_code(&app)).await.heading(), "Use your passkey");
    assert_eq!(user(&app, "e\u{301}va@example.com").await, user(&app, "éva@example.com").await);
    for turned in ["a\u{202e}nn@example.com", "ann@ex\u{2066}ample.com", "ann@１２７.０.０.１"] {
        let reply = app.api.post("/v1/enrollments", &json!({ "recipient": turned })).await;
        assert_eq!(reply.errors(), ["recipient:invalid_recipient"], "{turned}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_turns_text_around_is_nobodys() {
    let app = TestApp::start().await;
    let turned = "Bank\u{202e}knaB";
    let reply = app.api.post("/v1/clients", &json!({ "name": turned, "permissions": [] })).await;
    assert_eq!(reply.errors(), ["name:invalid_name"], "{}", reply.text);
    let body = json!({ "recipient": "ann@example.com", "displayName": turned, "claims": { "name": turned } });
    let reply = app.api.post("/v1/enrollments", &body).await;
    let mut errors = reply.errors();
    errors.sort();
    assert_eq!(errors, ["claims:invalid_claims", "displayName:invalid_display_name"]);
}

const NAME: &str = "<b>Bank</b> <a href=https://evil.example>log in</a> Bcc: m@evil.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_text_whatever_its_sender_is_called() {
    let mut sink = MailSink::start("plain").await;
    let notifier = format!("smtp://localhost:{}", sink.port);
    let app = TestApp::start_with(|config| config.notifier = notifier).await;
    let body = json!({ "name": NAME, "permissions": ["consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    let client = Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let body = json!({ "recipient": "ann@example.com", "purpose": "login", "notify": true });
    let id = client.post("/v1/service/consents", &body).await.id();
    let link = sink.message().await;
    assert!(link["text"].as_str().unwrap().contains(&app.url(&format!("/r/{id}"))), "{link}");
    assert_eq!(Visitor::new(&app).ask(&id, "reject", &[]).await.status, 303);
    let code = sink.message().await;
    for mail in [link, code] {
        assert_eq!(mail["type"], "text/plain", "{mail}");
        assert_eq!(mail["to"], json!(["ann@example.com"]), "and nobody else is sent it");
        assert!(mail["subject"].as_str().unwrap().contains(NAME), "{mail}");
    }
}
