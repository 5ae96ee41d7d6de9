//! Enrollments and the persons of the hosted pages, over HTTP, by software authenticators.

mod attacks;
mod hosted;
mod persons;
mod routes;
mod verifying;
mod webhooks;

use serde_json::Value;

use crate::support::TestApp;

/// The enrollment as its client reads it.
async fn enrollment(app: &TestApp, id: &str) -> Value {
    let reply = app.api.get(&format!("/v1/enrollments/{id}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data().clone()
}

async fn status(app: &TestApp, id: &str) -> String {
    enrollment(app, id).await["status"].as_str().unwrap().to_owned()
}
