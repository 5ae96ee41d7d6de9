//! JSON bodies: read whole and bounded, with an error that says what is wrong and where.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use http_body_util::BodyStream;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::unique_keys::UniqueKeys;
use crate::app::App;

/// The largest body, in bytes.
pub const MAX_BYTES: usize = 256 << 10;

/// A JSON object.
#[derive(Debug, Clone)]
pub struct JsonObject(pub Map<String, Value>);

/// A JSON object, or no body at all.
#[derive(Debug, Clone)]
pub struct OptionalJsonObject(pub Map<String, Value>);

/// How long a body may take to arrive.
#[derive(Debug, Clone, Copy)]
pub struct BodyArrival(pub Duration);

impl FromRef<App> for BodyArrival {
    fn from_ref(app: &App) -> Self {
        Self(app.config.body_arrival())
    }
}

/// The whole body, if it arrives in time, or a clear 400.
pub async fn read(body: Body, arrival: Duration) -> Result<Bytes, ApiError> {
    let late = |_| Err(ApiError::bad_request("The body took too long to arrive."));
    tokio::time::timeout(arrival, read_whole(body)).await.unwrap_or_else(late)
}

async fn read_whole(body: Body) -> Result<Bytes, ApiError> {
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

impl<S: Send + Sync> FromRequest<S> for JsonObject
where
    BodyArrival: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BodyArrival::from_ref(state).0).await?;
        if !is_json(&parts.headers) {
            return Err(ApiError::bad_request("The Content-Type must be application/json."));
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonObject
where
    BodyArrival: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BodyArrival::from_ref(state).0).await?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        JsonObject::from_request(request, state).await.map(|object| Self(object.0))
    }
}
