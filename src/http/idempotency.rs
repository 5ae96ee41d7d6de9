//! `Idempotency-Key`: a POST that is sent again gets the first answer again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use mobid_domain::id::ClientId;

use super::authentication::{ApiClient, ApiKey};
use super::body;
use super::envelope::{ApiResult, json_response};
use super::error::ApiError;
use crate::app::App;
use crate::ephemeral::idempotency::{Found, IdempotentRequest, StoredAnswer};
use crate::event_store::IdempotencyRecord;

const HEADER: &str = "idempotency-key";
const REPLAYED: &str = "idempotency-replayed";
const MAX_LENGTH: usize = 255;

/// What a handler needs to let its answer commit together with its events. Without the header it does nothing.
#[derive(Clone, Default)]
pub struct Idempotency(Option<Arc<Use>>);

struct Use {
    request: IdempotentRequest,
    recorded: AtomicBool,
}

impl Idempotency {
    /// The record of a success, to be appended with the events that it answers for; the answer is only made if it is
    /// to be kept.
    pub fn record(&self, answer: impl FnOnce() -> ApiResult) -> Option<IdempotencyRecord> {
        let this = self.0.as_ref()?;
        this.request.record(&answer().ok()?.stored())
    }

    /// The events went in, and the record with them.
    pub fn recorded(&self) {
        if let Some(this) = &self.0 {
            this.recorded.store(true, Ordering::Release);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Runs a POST once per key; called after authorisation.
pub async fn once<F: Future<Output = Response>>(
    app: &App,
    client: &ApiClient,
    request: Request,
    run: impl FnOnce(Request) -> F,
) -> Response {
    let header = match key(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return run(request).await,
        Err(error) => return error.into_response(),
    };
    match replay_or_run(app, client, &header, request, run).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    // A tab inside would pass for text, too.
    match value.to_str().ok().filter(|key| !key.contains('\t')) {
        Some(key) if (1..=MAX_LENGTH).contains(&key.len()) && values.next().is_none() => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(ApiError::bad_request(
            "Idempotency-Key must be 1 to 255 visible ASCII characters, and there once.",
        )),
    }
}

async fn replay_or_run<F: Future<Output = Response>>(
    app: &App,
    client: &ApiClient,
    key: &str,
    request: Request,
    run: impl FnOnce(Request) -> F,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let body = body::read(body, app.config.body_arrival()).await?;
    let request = identify(client.id, &client.key, &parts, key, &body, app.clock.now());
    let Some(_in_flight) = app.idempotency.begin(&request) else {
        return Err(ApiError::being_answered());
    };
    if let Some(response) = replay(app, &request).await? {
        return Ok(response);
    }
    let this = Arc::new(Use { request, recorded: AtomicBool::new(false) });
    parts.extensions.insert(Idempotency(Some(this.clone())));
    let response = run(Request::from_parts(parts, Body::from(body))).await;
    // A twin on another instance may have been first: then its answer is the answer.
    if response.status() == StatusCode::CONFLICT
        && let Some(first) = replay(app, &this.request).await?
    {
        return Ok(first);
    }
    if this.recorded.load(Ordering::Acquire) || !is_recorded(&response) {
        return Ok(response);
    }
    record(app, &this.request, response).await
}

/// The one request that a client can make with this key.
pub(super) fn identify(
    client: ClientId,
    api_key: &ApiKey,
    parts: &Parts,
    key: &str,
    body: &[u8],
    at: DateTime<Utc>,
) -> IdempotentRequest {
    let scope =
        [client.0.as_bytes().as_slice(), parts.method.as_str().as_bytes(), parts.uri.path().as_bytes()];
    IdempotentRequest::new(&scope, api_key.reveal(), key, body, at)
}

async fn replay(app: &App, request: &IdempotentRequest) -> Result<Option<Response>, ApiError> {
    match app.idempotency.find(request).await? {
        Found::Nothing => Ok(None),
        Found::Other => Err(ApiError::conflict("This Idempotency-Key was used with another body.")),
        Found::Same(answer) => Ok(Some(replayed(answer))),
    }
}

pub(super) fn replayed(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = json_response(status, answer.body, answer.etag.as_deref());
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Keeps an answer that no event went with; where a twin on another instance was first, its answer is the answer.
async fn record(app: &App, request: &IdempotentRequest, response: Response) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    // Our own answer, which may well be longer than what we take from others.
    let bytes = to_bytes(body, usize::MAX).await.map_err(|error| ApiError::internal(&error))?;
    let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::to_owned);
    let answer = StoredAnswer {
        status: parts.status.as_u16(),
        etag: text(header::ETAG),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    if !app.idempotency.save(request, &answer).await?
        && let Some(first) = replay(app, request).await?
    {
        return Ok(first);
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// 401, 403, 429 and 500 say nothing about the request itself, nor does what asks for a retry.
fn is_recorded(response: &Response) -> bool {
    let status = response.status();
    if response.headers().contains_key(header::RETRY_AFTER) {
        return false;
    }
    status.is_success()
        || [
            StatusCode::BAD_REQUEST,
            StatusCode::NOT_FOUND,
            StatusCode::CONFLICT,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]
        .contains(&status)
}
