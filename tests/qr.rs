//! QR codes: what they say, what becomes of them, what they look like.

mod blocked;
mod codes;
mod enrollments;
mod evidence;
mod logins;
mod passkeys;
mod pictures;
mod relay;

use serde_json::json;

use crate::support::{Reply, TestApp};

/// A code for a consent.
async fn generate(app: &TestApp, consent: &str) -> Reply {
    let reply = app.api.post("/v1/qr/generate", &json!({ "type": "consent", "referenceId": consent })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply
}

fn path_of(id: &str) -> String {
    format!("/v1/qr/{id}")
}
