//! JSON bodies: read whole and bounded, with an error that says what is wrong and where.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use http_body::{Frame, SizeHint};
use http_body_util::BodyStream;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::unique_keys::UniqueKeys;

/// The largest body, in bytes.
pub const MAX_BYTES: usize = 256 << 10;
/// How much of a refused body is read and dropped, so that its sender gets to read why, and for how long.
const DRAINED: usize = 32 << 20;
const DRAINING: Duration = Duration::from_secs(5);

/// A JSON object.
#[derive(Debug, Clone)]
pub struct JsonObject(pub Map<String, Value>);

/// A JSON object, or no body at all.
#[derive(Debug, Clone)]
pub struct OptionalJsonObject(pub Map<String, Value>);

/// A body that stays in hand when whoever was to read it answers without.
struct Kept(Arc<Mutex<Body>>);

impl http_body::Body for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

/// Middleware: reads what is left of a refused request, bounded. A connection closed on a sender that is still sending
/// is reset, and the answer lost with it.
pub async fn drain_refused(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let response = next.run(Request::from_parts(parts, Body::new(Kept(body.clone())))).await;
    if response.status().is_client_error() {
        // Past the bounds the sender has to do without.
        let _ = tokio::time::timeout(DRAINING, drain(Kept(body))).await;
    }
    response
}

async fn drain(body: Kept) {
    let (mut stream, mut length) = (BodyStream::new(body), 0);
    while let Some(Ok(frame)) = stream.next().await
        && length <= DRAINED
    {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// The whole body, or a clear 400.
pub async fn read(body: Body) -> Result<Bytes, ApiError> {
    let mut stream = BodyStream::new(body);
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = stream.next().await {
        let frame = frame.map_err(|_| ApiError::bad_request("The body ended before it was complete."))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > MAX_BYTES {
            return Err(ApiError::bad_request("The body is larger than 256 KiB."));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// `application/json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts.all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && utf8
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ApiError::bad_request(format!("The body is not valid UTF-8 (byte {}).", error.valid_up_to()))
    })?;
    match serde_json::from_str(text) {
        Ok(UniqueKeys(Value::Object(object))) => Ok(object),
        Ok(_) => Err(ApiError::bad_request("The body must be a JSON object.")),
        Err(error) if error.is_data() => Err(ApiError::bad_request(format!(
            "The body names a key twice: line {}, column {}.",
            error.line(),
            error.column()
        ))),
        Err(error) => Err(ApiError::bad_request(format!(
            "The body is not valid JSON: line {}, column {}.",
            error.line(),
            error.column()
        ))),
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if !is_json(&parts.headers) {
            return Err(ApiError::bad_request("The Content-Type must be application/json."));
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonObject {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        JsonObject::from_request(request, state).await.map(|object| Self(object.0))
    }
}
