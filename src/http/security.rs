//! What every answer tells a browser, whatever it is an answer to: it is what its type says, no page frames it, nothing
//! runs in it, and our host is spoken to over TLS only.
//!
//! An answer that says more, as the hosted pages do, keeps what it says.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// For two years. Of this host alone: what its subdomains serve is for the operator to say.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000");

const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// `https`: whether that is how the public URL is reached.
pub fn add(headers: &mut HeaderMap, https: bool) {
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(TLS_ONLY);
    }
}
