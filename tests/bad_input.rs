//! What a careless or hostile consumer may send: each is told exactly what is wrong, and nothing happens.

mod bodies;
mod fields;
mod keys;
mod routes;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, TestApp, reference_body};

const CONSENTS: &str = "/v1/service/consents";
const SEARCH: &str = "/v1/service/consents/search";

/// A body of raw bytes.
async fn send(
    api: &Api,
    method: Method,
    path: &str,
    content_type: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> Reply {
    let mut request = api.request(method, path).body(body);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    Reply::of(request).await
}

#[track_caller]
fn assert_envelope(reply: &Reply, code: u16, kind: &str) {
    assert_eq!((reply.status, reply.body["type"].as_str()), (code, Some(kind)), "{}", reply.text);
    assert_eq!(reply.body["code"], code);
    assert!(reply.body["message"].as_str().is_some_and(|message| message.ends_with('.')), "{}", reply.text);
    assert_eq!(reply.body["requestId"], reply.header("x-request-id"));
    let mut names: Vec<_> = reply.body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["code", "data", "message", "requestId", "type"]);
}

/// The reference's body with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut body = reference_body();
    body[field] = value;
    body
}

async fn count_of_events(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(app.pool()).await.unwrap()
}

fn required(field: &str) -> String {
    format!("{field}:required")
}

fn unknown(field: &str) -> String {
    format!("{field}:unknown_field")
}

fn text_of(length: usize) -> Value {
    json!("a".repeat(length))
}
