//! Every request has an id: on the response, in the log, in errors, in the metadata of what it caused.

use std::future::Future;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use mobid_domain::id::RequestId;
use tracing::Instrument;

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers; empty outside of one.
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// A valid inbound id is kept: up to 128 of `A-Za-z0-9._-`.
fn inbound(request: &Request) -> Option<String> {
    let text = request.headers().get(HEADER)?.to_str().ok()?;
    let valid = (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    valid.then(|| text.to_owned())
}

/// Names the request, opens its span and counts it.
pub async fn with_request_id<F>(request: Request, run: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let id = inbound(&request).unwrap_or_else(|| RequestId(crate::ids::new_id()).to_string());
    // The route, not the path: somebody may look for a consent by a phone number, or paste a key there.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("http", request_id = %id, method = %request.method(), route);
    let started = tokio::time::Instant::now();
    let mut response = CURRENT.scope(id.clone(), run(request).instrument(span.clone())).await;
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    span.in_scope(|| tracing::debug!(status, elapsed_us = elapsed.as_micros(), "answered"));
    metrics::histogram!("mobid_http_request_seconds", "status" => status.to_string())
        .record(elapsed.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
