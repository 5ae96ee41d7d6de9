//! `GET /openapi.json`: the document, kept by whoever has it until it changes.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::openapi;

static ETAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", &hex(&Sha256::digest(openapi::text().as_bytes()))[..32]));

pub async fn document(headers: HeaderMap) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut response = if known.flat_map(|tags| tags.split(',')).any(is_ours) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], openapi::text()).into_response()
    };
    let headers = response.headers_mut();
    // Asked for again each time, and sent only if it changed.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::from_str(&ETAG) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Compared weakly (RFC 9110, section 13.1.2).
fn is_ours(tag: &str) -> bool {
    let tag = tag.trim();
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *ETAG
}
