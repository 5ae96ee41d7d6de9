//! Which pages of other origins a browser lets call the API: none, unless the operator names them.

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

use super::{authentication, request_id};
use crate::config::Config;

/// How long a browser may remember what it was told.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(1);

const ASKED: [HeaderName; 5] = [
    HeaderName::from_static(authentication::HEADER),
    header::CONTENT_TYPE,
    header::IF_MATCH,
    HeaderName::from_static("idempotency-key"),
    request_id::HEADER,
];

const TOLD: [HeaderName; 11] = [
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("idempotency-replayed"),
    request_id::HEADER,
    HeaderName::from_static("x-log-position"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("ratelimit"),
    header::WWW_AUTHENTICATE,
];

/// `None` where no origin is named. No cookie is ever allowed: a key is what counts.
pub fn layer(config: &Config) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        config.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let layer = CorsLayer::new().allow_origin(origins).allow_methods(methods).allow_headers(ASKED);
    Some(layer.expose_headers(TOLD).max_age(REMEMBERED))
}
