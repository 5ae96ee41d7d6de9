//! The envelope of every answer: `{"code", "message", "data"}`, and for errors `type` and `requestId` as well.

use axum::body::Body;
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::error::ApiError;
use super::request_id;
use crate::ephemeral::idempotency::StoredAnswer;

/// What a handler answers.
pub type ApiResult = Result<Answer, ApiError>;

/// A success: a message for people, data for programs, and the version of the resource if it is one.
#[derive(Debug, Clone)]
pub struct Answer {
    body: String,
    etag: Option<String>,
    position: Option<i64>,
}

/// A success without a version.
pub fn ok(message: &str, data: &impl Serialize) -> ApiResult {
    let body = json!({ "code": 200, "message": message, "data": data }).to_string();
    Ok(Answer { body, etag: None, position: None })
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
        StoredAnswer { status: 200, etag: self.etag.clone(), body: self.body.clone() }
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

/// JSON text as a response.
pub fn json_response(status: StatusCode, body: String, etag: Option<&str>) -> Response {
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(header::ETAG, etag);
    }
    response
}

pub fn error(error: &ApiError) -> Response {
    let body = json!({
        "code": error.status.as_u16(),
        "type": error.kind,
        "message": error.message,
        "data": error.data,
        "requestId": request_id::current(),
    });
    json_response(error.status, body.to_string(), None)
}
