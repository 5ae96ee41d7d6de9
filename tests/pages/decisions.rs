//! What a recipient can decide, and what its client then sees.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{ALL, Visitor, consent, last_code};
use crate::support::{RECIPIENT, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_approves_everything() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let page = ann.decide(&app, &id, "approve", &ALL).await;
    assert_eq!((page.status, page.heading()), (200, "Approved"));
    let seen = consent(&app, &id).await;
    assert_eq!(seen["status"], "approved");
    assert_eq!(seen["grantedScope"], json!(["name", "email", "phone"]));
    let claims = json!({
        "name": {"value": "Ann Öberg", "source": "self_asserted"},
        "email": {"value": "ann@example.com", "source": "self_asserted"},
        "phone": {"value": RECIPIENT, "source": "verified_handle"},
    });
    assert_eq!(seen["claims"], claims);
    assert_eq!(seen["assurance"]["method"], "one_time_code");
    assert_eq!(seen["assurance"]["userVerified"], false);
    assert_eq!(time(&seen["assurance"]["boundAt"]), app.clock().now());
    assert_eq!(time(&seen["decidedAt"]), app.clock().now());
    assert_eq!(seen["scannedAt"], Value::Null);
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_approves_a_part_and_the_rest_is_not_kept() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"recipient": "Ann@example.com"})).await;
    let fields = [("scope", "email"), ("claim.email", "ann@EXAMPLE.com"), ("claim.name", "Ann Öberg")];
    let page = Visitor::new(&app).decide(&app, &id, "approve", &fields).await;
    assert!(page.says("Email address") && !page.says("Full name"));
    let seen = consent(&app, &id).await;
    assert_eq!(seen["grantedScope"], json!(["email"]));
    let claims = json!({"email": {"value": "Ann@example.com", "source": "verified_handle"}});
    assert_eq!(seen["claims"], claims);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_no_data_is_approved_without_any() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"scope": [], "purpose": "loan_terms"})).await;
    let mut ann = Visitor::new(&app);
    let page = ann.open(&id).await;
    assert!(page.says("No personal data is asked for") && page.says("Loan terms"));
    ann.decide(&app, &id, "approve", &[]).await;
    let seen = consent(&app, &id).await;
    assert_eq!((&seen["status"], &seen["claims"]), (&json!("approved"), &Value::Null));
    assert_eq!(seen["grantedScope"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_rejects() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let page = Visitor::new(&app).decide(&app, &id, "reject", &[]).await;
    assert_eq!((page.status, page.heading()), (200, "Rejected"));
    let seen = consent(&app, &id).await;
    assert_eq!(seen["status"], "rejected");
    assert_eq!(seen["assurance"]["method"], "one_time_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_withdraws_and_the_claims_are_gone() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.decide(&app, &id, "approve", &ALL).await;
    // A proof lets one look; withdrawing takes a code of its own.
    let page = ann.decide(&app, &id, "withdraw", &[]).await;
    assert_eq!((page.status, page.heading()), (200, "Consent withdrawn"));
    assert!(!page.says("Ann Öberg"));
    let seen = consent(&app, &id).await;
    assert_eq!((&seen["status"], &seen["claims"]), (&json!("revoked"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shared_is_shown_only_to_who_proved_to_be_the_recipient_and_not_for_long() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    assert!(ann.decide(&app, &id, "approve", &ALL).await.says("Ann Öberg"));
    let mut stranger = Visitor::new(&app);
    let page = stranger.open(&id).await;
    assert!(page.says("Full name") && !page.says("Ann Öberg") && !page.says(RECIPIENT));
    app.advance(TimeDelta::minutes(15));
    assert!(!ann.open(&id).await.says("Ann Öberg"));
    let page = ann.decide(&app, &id, "view", &[]).await;
    assert!(page.says("Ann Öberg"));
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_recorded_by_the_first_action_and_not_by_looking() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let led = ann.get(&format!("/qr/{id}")).await;
    assert_eq!((led.status, led.location()), (303, format!("/r/{id}?via=qr").as_str()));
    let page = ann.get(&format!("/r/{id}?via=qr")).await;
    assert_eq!(consent(&app, &id).await["scannedAt"], Value::Null);
    let via: [(&str, &str); 1] = [("via", &page.field("via"))];
    let fields = [&ALL[..], &via].concat();
    let asked = ann.ask_from(&page, &id, "approve", &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.html);
    assert_eq!(time(&consent(&app, &id).await["scannedAt"]), app.clock().now());
    let decided = ann.enter(&id, &last_code(&app)).await;
    assert_eq!(decided.status, 303, "{}", decided.html);
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_page_says_what_the_code_does_and_so_does_the_message() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL[..5]).await;
    ann.ask(&id, "approve", &[("scope", "name"), ("claim.name", "Ann")]).await;
    let page = ann.get(&format!("/r/{id}/code")).await;
    assert_eq!(page.status, 200);
    assert!(page.says("Enter your code to approve") && page.says("+1 ••• 90") && page.says("5 tries left"));
    assert!(page.says("<li>Full name</li>") && !page.says("<li>Email address</li>"));
    let outbox = app.outbox();
    let message = outbox.last().unwrap();
    let text = message["text"].as_str().unwrap();
    assert_eq!((&message["to"], &message["channel"]), (&json!(RECIPIENT), &json!("sms")));
    assert!(text.contains(&last_code(&app)) && text.contains("share: Full name."), "{text}");
    assert!(!page.says(&last_code(&app)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_code_replaces_the_former() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let former = last_code(&app);
    let csrf = ann.csrf(&id).await;
    let again = ann.post(&format!("/r/{id}/again"), &[("csrf", &csrf)]).await;
    assert_eq!((again.status, again.location()), (303, format!("/r/{id}/code").as_str()));
    let code = last_code(&app);
    if code != former {
        assert_eq!(ann.enter(&id, &former).await.status, 422);
    }
    assert_eq!(ann.enter(&id, &code).await.status, 303);
    assert_eq!(consent(&app, &id).await["grantedScope"], json!(["name", "email", "phone"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_whose_client_asks_for_it_is_sent_the_link() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({"notify": true, "recipient": "ann@example.com"})).await;
    let silent = app.create_consent().await;
    app.caught_up().await;
    mobid::workers::notices::send_due(&app.app).await.unwrap();
    let message = crate::pages::arrives(&app, &id).await;
    assert_eq!(message["link"], app.url(&format!("/r/{id}")));
    assert_eq!((&message["to"], &message["code"]), (&json!("ann@example.com"), &Value::Null));
    assert!(app.outbox().iter().all(|message| message["resourceId"] != json!(silent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_recipient_entered_is_in_any_table_in_clear() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "approve", &ALL).await;
    let code = last_code(&app);
    let pending = crate::pages::dump(&app).await;
    ann.enter(&id, &code).await;
    app.caught_up().await;
    let decided = crate::pages::dump(&app).await;
    for text in [pending, decided] {
        for secret in ["Öberg", "ann@example.com", "1234567890", ann.cookie.as_ref().unwrap()] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}
