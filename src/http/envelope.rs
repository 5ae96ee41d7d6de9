//! The envelope of every answer: `{"code", "message", "data"}`, and for errors `type` and `requestId` as well.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::ApiError;
use super::request_id;
use crate::ephemeral::idempotency::StoredAnswer;

/// What a handler answers.
pub type ApiResult = Result<Answer, ApiError>;

/// A success: a message for people, data for programs, and the version of the resource if it is one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answer {
    /// JSON text.
    body: Bytes,
    etag: Option<String>,
    position: Option<i64>,
}

/// Fields in the order in which the reference shows them.
#[derive(Serialize)]
struct Envelope<'a, T> {
    code: u16,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    message: &'a str,
    data: &'a T,
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// The data of a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// All there is.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// A success without a version.
pub fn ok(message: &str, data: &impl Serialize) -> ApiResult {
    let envelope = Envelope { code: 200, kind: None, message, data, request_id: None };
    let body = serde_json::to_vec(&envelope).map_err(|error| ApiError::internal(&error))?;
    Ok(Answer { body: body.into(), etag: None, position: None })
}

impl Answer {
    /// With the version of the resource.
    #[must_use]
    pub fn version(mut self, sequence: i64) -> Self {
        self.etag = Some(format!("\"{sequence}\""));
        self
    }

    /// With the position of the log that it reflects.
    #[must_use]
    pub fn position(mut self, position: i64) -> Self {
        self.position = Some(position);
        self
    }

    /// As it is kept for a retry.
    pub fn stored(&self) -> StoredAnswer {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        StoredAnswer { status: 200, etag: self.etag.clone(), body }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = json_response(StatusCode::OK, self.body, self.etag.as_deref());
        if let Some(position) = self.position {
            response.headers_mut().insert("x-log-position", HeaderValue::from(position));
        }
        response
    }
}

/// As many as an answer has in the end, with those about limits, so that their table need not grow.
const HEADERS: usize = 20;

/// JSON text as a response.
pub fn json_response(status: StatusCode, body: impl Into<Body>, etag: Option<&str>) -> Response {
    let mut response = HttpResponse::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(header::ETAG, etag);
    }
    response
}

pub fn error(error: &ApiError) -> Response {
    json_response(error.status, error_text(error, request_id::current()), None)
}

pub fn error_text(error: &ApiError, request_id: String) -> String {
    let envelope = Envelope {
        code: error.status.as_u16(),
        kind: Some(error.kind),
        message: &error.message,
        data: &error.data,
        request_id: Some(request_id),
    };
    // Text and JSON values always serialize.
    serde_json::to_string(&envelope).unwrap_or_default()
}
