//! What is somebody's own: their consents over all clients, and their passkeys.
//!
//! ```text
//! sign_in ─ passkey ─────────────────→ overview ─→ consent ─→ withdraw, report
//!    └─ code: ask ─→ enter ─ decide ─┘    └──────→ passkeys ─→ drop,
//!                              └─ a passkey is there: use it, or recover       add
//! ```
//!
//! Promises: nothing is shown without a session of this browser, and a session lasts minutes; a code shows nothing of
//! somebody who has a passkey; whether a handle is known is told to nobody but who reads its messages; every decision is
//! proved by itself, whatever was proved when signing in.
//! Leaves to others: sessions (ephemeral), whose is what (person, vault), the rules (domain).

pub mod add;
pub mod code;
pub mod consent;
pub mod door;
pub mod overview;
pub mod passkeys;
pub mod post;
pub mod recover;
pub mod refusal;
pub mod report;
pub mod sign_in;
pub mod sign_out;
mod view;
pub mod withdraw;

use axum::Router;
use axum::routing::{any, get, post};

use super::error::PageError;
use crate::app::App;

/// Where everything of it begins.
pub const HOME: &str = "/me";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(overview::show))
        .route("/me/passkey/begin", post(sign_in::begin).get(home))
        .route("/me/passkey", post(sign_in::finish).get(home))
        .route("/me/code", get(code::enter).post(code::ask))
        .route("/me/again", post(code::again).get(home))
        .route("/me/decide", post(code::decide).get(home))
        .route("/me/recover", post(recover::recover).get(home))
        .route("/me/sign-out", post(sign_out::sign_out).get(home))
        .route("/me/left/{how}", get(sign_out::left))
        .route("/me/consents/{id}", get(consent::show))
        .route("/me/consents/{id}/passkey/begin", post(withdraw::begin).get(home))
        .route("/me/consents/{id}/passkey", post(withdraw::finish).get(home))
        .route("/me/consents/{id}/code", get(withdraw::enter).post(withdraw::ask))
        .route("/me/consents/{id}/decide", post(withdraw::decide).get(home))
        .route("/me/consents/{id}/report", get(report::show).post(report::file))
        .route("/me/passkeys/begin", post(add::begin).get(home))
        .route("/me/passkeys", post(add::finish).get(home))
        .route("/me/passkeys/{id}", get(passkeys::show))
        .route("/me/passkeys/{id}/begin", post(passkeys::begin).get(home))
        .route("/me/passkeys/{id}/drop", post(passkeys::drop).get(home))
        .route("/me/{*rest}", any(no_page))
}

/// `GET` of an address that only takes forms: somebody reloaded an answer.
async fn home() -> axum::response::Response {
    super::view::see_other(HOME)
}

async fn no_page() -> PageError {
    PageError::NotFound
}
