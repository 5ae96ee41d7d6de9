//! The style sheet, the script and the icon, bundled: a page loads nothing from elsewhere.

use axum::http::header;
use axum::response::IntoResponse;

/// Part of an asset's address, so that a new version is loaded at once.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const KEPT: &str = "public, max-age=3600";

pub async fn css() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, KEPT)];
    (headers, include_str!("asset/pages.css"))
}

/// The one script: it asks for a passkey, and does nothing else.
pub async fn passkey() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, KEPT)];
    (headers, include_str!("asset/passkey.js"))
}

pub async fn icon() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, KEPT)];
    (headers, include_str!("asset/icon.svg"))
}
