//! Parameters that many routes take.

use axum::http::Method;
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{integer, time};

/// `components/parameters`
pub fn shared() -> Value {
    let query = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    let mut limit = integer(1, 100);
    limit["default"] = json!(20);
    json!({
        "Limit": query("limit", "How many to answer with at most.", limit),
        "Cursor": query("cursor", "Where to go on: the `nextCursor` of the page before.",
            json!({ "type": "string", "format": "cursor" })),
        "AsOf": query("asOf", "As it was then: at a position of the log, or at a time.",
            json!({ "anyOf": [integer(0, i64::MAX), time()] })),
        "IfMatch": header("If-Match", "Only if the resource is this version: the `ETag` of an answer, several of them, or `*`.",
            json!({ "type": "string", "minLength": 1, "pattern": IF_MATCH, "examples": ["\"3\""] })),
        "IdempotencyKey": header("Idempotency-Key",
            "A retry with the same key and body within 24 hours gets the first answer again.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]([ -~]*[!-~])?$" })),
        "RequestId": header("X-Request-Id", "1 to 128 of `A-Za-z0-9._-`: kept as the request's id; anything else is replaced.",
            json!({ "type": "string" })),
    })
}

/// Quoted versions with commas between, or `*`: `http::version`.
const IF_MATCH: &str = r#"^(\*|(W/)?"[ -+.-~-]*"( *, *(W/)?"[ -+.-~-]*")*)$"#;

/// Those of one route: its own, and what its method brings with it.
pub fn of(operation: &Operation) -> Value {
    let by_method = match operation.method {
        Method::POST => Some("IdempotencyKey"),
        Method::PUT | Method::PATCH | Method::DELETE => Some("IfMatch"),
        _ => None,
    };
    let shared = by_method.into_iter().chain(["RequestId"]);
    let shared = shared.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    Value::Array(operation.parameters.iter().cloned().chain(shared).collect())
}
