//! `/v1/service/consents`, as its consumers use it.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{RECIPIENT, TestApp, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn the_references_curl_answers_as_the_reference_shows() {
    let app = TestApp::start().await;
    let reply = app.api.post("/v1/service/consents/search", &reference_body()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["code"], 200);
    assert_eq!(reply.body["message"], "Consent session created");
    let data = reply.data();
    let id = data["id"].as_str().unwrap();
    assert!(id.starts_with("cs_") && id.len() == 29, "{id}");
    assert_eq!(data["status"], "pending");
    assert_eq!(data["recipient"], RECIPIENT);
    assert_eq!(data["purpose"], "identity_verification");
    assert_eq!(data["scope"], json!(["name", "email", "phone"]));
    assert_eq!(data["qrCode"], app.url(&format!("/qr/{id}")));
    let expires_at = data["expiresAt"].as_str().unwrap();
    let deadline = app.clock().now() + TimeDelta::minutes(1_440);
    assert_eq!(expires_at, deadline.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    assert_eq!(reply.header("etag"), "\"1\"");
    assert!(reply.header("x-request-id").starts_with("req_"));
}
