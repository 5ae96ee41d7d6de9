//! The routes: a table of contents.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use mobid_domain::client::Permission::{
    ClientsRead, ClientsWrite, ConsentsRead, ConsentsWrite, DevicesRead, DevicesWrite, EnrollmentsRead,
    EnrollmentsWrite, FidoWrite, QrWrite, WebhooksRead, WebhooksWrite,
};

use super::connections::close_while_draining;
use super::error::ApiError;
use super::guard::Access::{Everybody, OfAClient, Owner, Watched, With};
use super::guard::Guarded;
use super::request_id::with_request_id;
use super::table::{Row, Table};
use super::unread::read_the_rest;
use super::{cors, ending, security, watching};
use crate::api::{client, consent, device, docs, enrollment, fido, health, openapi, qr, report, webhook};
use crate::app::App;
use crate::pages;

/// Bytes of path and query, at the most: a cursor and every filter at its longest are far less.
const LONGEST_URI: usize = 8 << 10;

/// Everything on `MOBID_LISTEN`.
pub fn public(app: &App) -> Router {
    let mut v1 = v1().router(no_such_route, method_not_allowed);
    if let Some(cors) = cors::layer(&app.config) {
        v1 = v1.layer(cors);
    }
    let routes = Router::new()
        .nest("/v1", v1)
        // Which what is nested at /v1 does not take for its own.
        .route("/v1/", any(Guarded { handler: no_such_route, access: None }))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/openapi.json", get(openapi::document))
        .merge(docs::routes())
        .merge(pages::routes(app));
    surrounded(app, routes)
}

/// Routes with what is around every one of them.
pub fn surrounded(app: &App, routes: Router<App>) -> Router {
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app.clone())
}

/// Everything under `/v1`: behind an API key, and each for whom it is.
fn v1() -> Table {
    Table::default()
        .get("/health", Everybody, health::with_key)
        .get("/clients", Owner(ClientsRead), client::list::list)
        .post("/clients", Owner(ClientsWrite), client::create::create)
        .get("/clients/{id}", OfAClient, client::retrieve::retrieve)
        .change("/clients/{id}", Owner(ClientsWrite), client::update::update)
        .delete("/clients/{id}", Owner(ClientsWrite), client::delete::delete)
        .post("/clients/{id}/regenerate-key", OfAClient, client::regenerate_key::regenerate_key)
        .post(
            "/clients/{id}/rotate-callback-secret",
            OfAClient,
            client::rotate_callback_secret::rotate_callback_secret,
        )
        .get("/clients/{id}/usage", OfAClient, client::usage::usage)
        .get("/service/consents", With(ConsentsRead), consent::list::list)
        .post("/service/consents", With(ConsentsWrite), consent::create::create)
        .post("/service/consents/search", With(ConsentsWrite), consent::create::create)
        .get("/service/consents/summary", With(ConsentsRead), consent::summary::summary)
        .get("/service/consents/{id}", Watched(ConsentsRead), consent::retrieve::retrieve)
        .change("/service/consents/{id}", With(ConsentsWrite), consent::update::update)
        .delete("/service/consents/{id}", With(ConsentsWrite), consent::revoke::revoke)
        .get("/service/consents/{id}/history", With(ConsentsRead), consent::history::history)
        .get("/service/consents/{id}/evidence", With(ConsentsRead), consent::evidence::evidence)
        .post("/auth/fido/register/begin", With(FidoWrite), fido::register_begin::register_begin)
        .post("/auth/fido/register/complete", With(FidoWrite), fido::register_complete::register_complete)
        .post("/auth/fido/authenticate/begin", With(FidoWrite), fido::authenticate_begin::authenticate_begin)
        .post(
            "/auth/fido/authenticate/complete",
            With(FidoWrite),
            fido::authenticate_complete::authenticate_complete,
        )
        .get("/devices", With(DevicesRead), device::list::list)
        .get("/devices/{id}", With(DevicesRead), device::retrieve::retrieve)
        .delete("/devices/{id}", With(DevicesWrite), device::deregister::deregister)
        .post("/devices/{id}/block", With(DevicesWrite), device::block::block)
        .post("/devices/{id}/unblock", With(DevicesWrite), device::unblock::unblock)
        .get("/enrollments", With(EnrollmentsRead), enrollment::list::list)
        .post("/enrollments", With(EnrollmentsWrite), enrollment::create::create)
        .get("/enrollments/{id}", With(EnrollmentsRead), enrollment::retrieve::retrieve)
        .delete("/enrollments/{id}", With(EnrollmentsWrite), enrollment::cancel::cancel)
        .post("/enrollments/{id}/verify", With(EnrollmentsWrite), enrollment::verify::verify)
        .get("/service/consents/{id}/events", Watched(ConsentsRead), consent::events::events)
        .post("/qr/generate", With(QrWrite), qr::generate::generate)
        .get("/qr/{id}", Watched(QrWrite), qr::retrieve::retrieve)
        .get("/qr/{id}/image", Watched(QrWrite), qr::image::image)
        .get("/qr/{id}/evidence", With(QrWrite), qr::evidence::evidence)
        .get("/reports", Owner(ClientsRead), report::list::list)
        .get("/webhooks", With(WebhooksRead), webhook::list::list)
        .post("/webhooks", With(WebhooksWrite), webhook::create::create)
        .get("/webhooks/event-types", With(WebhooksRead), webhook::event_types::event_types)
        .get("/webhooks/{id}", With(WebhooksRead), webhook::retrieve::retrieve)
        .delete("/webhooks/{id}", With(WebhooksWrite), webhook::delete::delete)
}

/// The rows of `/v1`, with who may use each.
pub fn declared() -> Vec<Row> {
    v1().rows()
}

/// One layer around everything: for each request a layer costs a copy of all that is inside of it.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_page = pages::is_page(request.uri().path());
    let watched = request.uri().path().starts_with("/v1/") && watching::has_token(&request);
    let failed = || if is_page { pages::failed() } else { ApiError::server_error().into_response() };
    let bound = Duration::from_secs(app.config.request_seconds);
    let run =
        |request| read_the_rest(request, |request| ending::within(bound, answer(request, next), failed));
    let mut response = with_request_id(request, run).await;
    if watched {
        watching::open_to_every_page(response.headers_mut());
    }
    security::add(response.headers_mut(), app.config.is_https());
    close_while_draining(&app, &mut response);
    response
}

async fn answer(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|asked| asked.as_str().len() > LONGEST_URI) {
        return ApiError::unreadable(StatusCode::URI_TOO_LONG).into_response();
    }
    if let Some(preflight) = watching::preflight(&request) {
        return preflight;
    }
    next.run(request).await
}

async fn no_such_route() -> Response {
    ApiError::no_such_route().into_response()
}

async fn method_not_allowed() -> Response {
    ApiError::method_not_allowed().into_response()
}

/// A path segment that must be an id: anything else names nothing.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: std::str::FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| ApiError::not_found())?.0;
        text.parse().map(Self).map_err(|_| ApiError::not_found())
    }
}
