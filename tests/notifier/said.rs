//! What a client could make this service say in its own name, to whomever it likes.

use serde_json::json;

use super::Visitor;
use crate::pages::arrives;
use crate::support::TestApp;

const PURPOSE: &str = "your_account_is_locked_call_0900_123456";
const FIELD: &str = "pin_to_0900_123456_or_evil_example";

#[tokio::test(flavor = "multi_thread")]
async fn no_message_says_a_clients_own_words_for_purposes_and_fields() {
    let app = TestApp::start().await;
    let wanted = json!({ "purpose": PURPOSE, "scope": ["name", FIELD], "notify": true });
    let id = app.create_consent_with(wanted).await;
    let link = arrives(&app, &id).await["text"].as_str().unwrap().to_owned();
    assert!(link.contains("Purpose: as the page says."), "{link}");
    let mut ann = Visitor::new(&app);
    let (name, field) = (("claim.name", "Ann"), format!("claim.{FIELD}"));
    let fields = [("scope", "name"), ("scope", FIELD), name, (field.as_str(), "1234")];
    let asked = ann.ask(&id, "approve", &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.html);
    let messages = app.outbox();
    let code = messages.last().unwrap()["text"].as_str().unwrap();
    assert!(code.contains("and share: Full name, 1 more field."), "{code}");
    for text in [link.as_str(), code] {
        assert!(!text.contains("0900") && !text.contains("evil"), "{text}");
    }
    // The page, which says who asks, says it all.
    assert!(ann.open(&id).await.says("Your account is locked call 0900 123456"));
}
