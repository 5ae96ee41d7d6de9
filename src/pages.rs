//! The hosted pages: what a recipient sees and does.
//!
//! Promises: holding a link proves nothing; a decision takes a one-time code that only the recipient was sent, bound
//! to the browser that asked for it and to exactly what the page said would be done; every answer, errors included,
//! is a page that says honestly what happened, cannot be framed, runs no script but our own (for passkeys, and for
//! nothing else) and is stored by no cache.
//! Leaves to others: the rules (domain), codes and caps (ephemeral), sending (notifier).

pub mod asset;
mod begun_anew;
pub mod browser;
pub mod caps;
pub mod consent;
pub mod enrollment;
pub mod error;
pub mod field;
pub mod form;
pub mod headers;
pub mod language;
pub mod login;
pub mod me;
pub mod post;
pub mod qr;
pub mod resource;
pub mod routing;
pub mod view;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use crate::app::App;
use error::PageError;

pub fn routes(_app: &App) -> Router<App> {
    Router::new()
        .route("/r/{id}", get(routing::show))
        .route("/r/{id}/code", get(routing::enter).post(routing::ask))
        .route("/r/{id}/again", post(routing::again).get(routing::back))
        .route("/r/{id}/decide", post(routing::decide).get(routing::back))
        .route("/r/{id}/passkey", post(routing::finish).get(routing::back))
        .route("/r/{id}/passkey/begin", post(routing::begin).get(routing::back))
        .route("/r/{id}/recover", post(routing::recover).get(routing::back))
        .route("/qr/{id}", get(qr::follow))
        .merge(me::routes())
        .route("/r/{id}/{*rest}", any(no_page))
        .route("/qr/{id}/{*rest}", any(no_page))
        .route("/assets/pages.css", get(asset::css))
        .route("/assets/passkey.js", get(asset::passkey))
        .route("/assets/icon.svg", get(asset::icon))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(language::spoken))
        .layer(from_fn(headers::strict))
}

/// Whether a path is one that somebody looks at in a browser.
pub fn is_page(path: &str) -> bool {
    ["/r/", "/qr/", "/me/"].iter().any(|pages| path.starts_with(pages)) || path == "/me"
}

/// What went wrong around the pages themselves.
pub fn failed() -> Response {
    let mut response = PageError::Internal.into_response();
    headers::add(response.headers_mut());
    response
}

async fn no_page() -> PageError {
    PageError::NotFound
}

async fn method_not_allowed() -> PageError {
    PageError::MethodNotAllowed
}
