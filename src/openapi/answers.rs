//! Answers: headers, the envelope of a success, and the errors, as the server itself makes them.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::named::reference;
use super::operation::Operation;
use super::schema::{about, integer};
use crate::http::error::{ApiError, FieldError};
use crate::http::guard::Access;

/// The errors by the name of their component: an example of each, as the server makes it.
fn errors() -> [(&'static str, ApiError, &'static str); 8] {
    let invalid = FieldError::new("recipient", "invalid_recipient", "It must be text.");
    let missing = FieldError::new("recipient", "required", "recipient is required.");
    [
        (
            "BadRequest",
            ApiError::fields(vec![missing], vec![]),
            "Malformed JSON or UTF-8, a wrong content type, a body over 256 KiB, a missing or unknown field, an unknown or bad query parameter or header.",
        ),
        ("Unauthorized", ApiError::unauthorized(), "The API key is missing or not valid."),
        (
            "Forbidden",
            ApiError::forbidden("consents:write"),
            "The API key lacks the permission, or only the owner may do this.",
        ),
        ("NotFound", ApiError::not_found(), "There is no such resource for this client."),
        (
            "Conflict",
            ApiError::conflict("This Idempotency-Key was used with another body."),
            "The state does not allow it, `If-Match` names another version, or the `Idempotency-Key` was used with another body or is being answered.",
        ),
        ("Invalid", ApiError::fields(vec![], vec![invalid]), "All fields are there, some are not valid."),
        (
            "RateLimited",
            ApiError::rate_limited("minute", Some(60), 17),
            "More requests than the plan allows.",
        ),
        (
            "ServerError",
            ApiError::server_error(),
            "Something went wrong on our side; the `requestId` finds it in the log.",
        ),
    ]
}

/// Which errors a route can answer with, by their statuses.
fn possible(operation: &Operation, access: Access) -> Vec<&'static str> {
    let takes_fields = operation.body.as_ref().is_some_and(|body| body.schema["properties"] != json!({}));
    let condition = |name, holds| if holds { Some(name) } else { None };
    [
        Some("BadRequest"),
        Some("Unauthorized"),
        condition("Forbidden", access != Access::Everybody),
        condition("NotFound", operation.path.contains('{')),
        condition("Conflict", operation.method != Method::GET),
        condition("Invalid", takes_fields),
        Some("RateLimited"),
        Some("ServerError"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All answers of a route of the table.
pub fn of(operation: &Operation, access: Access) -> Value {
    let mut all = Map::new();
    all.insert("200".to_owned(), success(operation));
    if let Some(about) = operation.answer.or_nothing {
        all.insert(
            "204".to_owned(),
            json!({ "description": about, "headers": references(&["X-Request-Id"]) }),
        );
    }
    let possible = possible(operation, access);
    for (name, error, _) in errors().into_iter().filter(|(name, ..)| possible.contains(name)) {
        let answer = json!({ "$ref": format!("#/components/responses/{name}") });
        all.insert(error.status.as_str().to_owned(), answer);
    }
    Value::Object(all)
}

fn success(operation: &Operation) -> Value {
    let answer = &operation.answer;
    let mut headers = vec!["X-Request-Id"];
    headers.extend(LIMITS);
    if answer.versioned {
        headers.push("ETag");
    }
    if answer.positioned {
        headers.push("X-Log-Position");
    }
    if operation.method == Method::POST {
        headers.push("Idempotency-Replayed");
    }
    let schema = json!({ "type": "object", "required": ["code", "message", "data"], "properties": {
        "code": { "type": "integer", "const": 200 },
        "message": { "type": "string", "examples": [answer.message] },
        "data": answer.data.schema,
    } });
    let content =
        answer.instead.clone().unwrap_or_else(|| json!({ "application/json": { "schema": schema } }));
    let mut success =
        json!({ "description": answer.message, "headers": references(&headers), "content": content });
    if !operation.links.is_empty() {
        success["links"] = Value::Object(operation.links.clone());
    }
    success
}

/// Of a client that is limited.
const LIMITS: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

fn references(names: &[&str]) -> Value {
    let all = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(all.collect())
}

/// `components/headers`
pub fn headers() -> Value {
    let header = |description: &str, required: bool, schema: Value| json!({ "description": description, "required": required, "schema": schema });
    let count = || integer(0, i64::from(u32::MAX));
    let version = json!({ "type": "string", "pattern": "^\"[0-9]+\"$", "examples": ["\"3\""] });
    let text = |example: &str| json!({ "type": "string", "examples": [example] });
    json!({
        "X-Request-Id": header("The request's id: a valid one that came with it is kept.", true,
            json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" })),
        "ETag": header("The version of the resource, for `If-Match`.", true, version),
        "X-Log-Position": header("The position of the log that the answer reflects.", true, integer(0, i64::MAX)),
        "Idempotency-Replayed": header("`true` where this is the first answer again.", false,
            json!({ "type": "string", "const": "true" })),
        "X-RateLimit-Limit": header("Requests in the window that is used up first. Absent where there is no limit.", false, count()),
        "X-RateLimit-Remaining": header("Requests left in it.", false, count()),
        "X-RateLimit-Reset": header("When it begins anew, in seconds since 1970.", false, integer(0, i64::MAX)),
        "RateLimit-Policy": header("The policies `minute`, `day` and `concurrency` (draft-ietf-httpapi-ratelimit-headers).", false,
            text("\"minute\";q=60;w=60")),
        "RateLimit": header("What is left of each, and for how many seconds.", false, text("\"minute\";r=59;t=60")),
        "Retry-After": header("Seconds to wait.", true, integer(1, 86_400)),
        "WWW-Authenticate": header("How to say who one is.", true, text("ApiKey realm=\"mobid\", header=\"X-Mobid-Key\"")),
    })
}

/// `components/responses`: every error in the one envelope.
pub fn responses() -> Value {
    let one = |(name, error, description): (&str, ApiError, &str)| {
        let mut headers = vec!["X-Request-Id"];
        match name {
            "Unauthorized" => headers.push("WWW-Authenticate"),
            "RateLimited" => headers.push("Retry-After"),
            _ => {}
        }
        if name != "Unauthorized" {
            headers.extend(LIMITS);
        }
        let (code, kind) = (error.status.as_u16(), error.kind);
        let exactly = json!({ "properties": { "code": { "const": code }, "type": { "const": kind } } });
        let example = json!({ "code": code, "type": kind, "message": error.message, "data": error.data,
            "requestId": "req_01kb0m2x9qe3r8s6t4v2w0y5zh" });
        let content = json!({ "schema": { "allOf": [reference("Error"), exactly] }, "example": example });
        let response = json!({ "description": description, "headers": references(&headers),
            "content": { "application/json": content } });
        (name.to_owned(), response)
    };
    Value::Object(errors().into_iter().map(one).collect())
}

/// The envelope of every error.
pub fn error() -> Value {
    let kinds: Vec<_> = errors().iter().map(|(_, error, _)| error.kind).collect();
    let data = json!({ "type": ["object", "null"], "description": "`null` where there is nothing to add.", "properties": {
        "errors": { "type": "array", "items": reference("FieldError"), "description": "Every bad field or parameter." },
        "policy": { "type": "string", "enum": ["minute", "day", "concurrency"], "description": "The limit that was reached." },
        "limit": { "type": ["integer", "null"], "description": "Its number of requests." },
        "retryAfter": about(integer(0, 86_400), "Seconds to wait."),
        "reason": about(reference("FailureReason"), "Why a ceremony with a passkey failed."),
        "status": { "type": "string", "description": "What the resource is, where that does not allow it." },
        "etag": { "type": "string", "description": "The version that the resource is at, where `If-Match` names another." },
    } });
    json!({ "type": "object", "description": "The envelope of every error.",
        "required": ["code", "type", "message", "data", "requestId"], "properties": {
        "code": { "type": "integer", "description": "The HTTP status." },
        "type": { "type": "string", "enum": kinds.iter().chain(&["method_not_allowed"]).collect::<Vec<_>>() },
        "message": { "type": "string", "description": "For people; never to be parsed." },
        "data": data,
        "requestId": { "type": "string", "description": "The `X-Request-Id` of the answer." },
    } })
}
