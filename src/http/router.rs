//! The routes: a table of contents.

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use mobid_domain::client::Permission::{
    ClientsRead, ClientsWrite, ConsentsRead, ConsentsWrite, WebhooksRead, WebhooksWrite,
};

use super::authentication::ApiClient;
use super::connections::close_while_draining;
use super::error::ApiError;
use super::guard::Access::{Everybody, OfAClient, Owner, With};
use super::guard::allow;
use super::request_id::with_request_id;
use super::unread::read_the_rest;
use crate::api::{client, consent, health, webhook};
use crate::app::App;
use crate::pages;

/// Everything on `MOBID_LISTEN`.
pub fn public(app: &App) -> Router {
    Router::new()
        .nest("/v1", v1(app))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .merge(pages::routes(app))
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app.clone())
}

/// Everything under `/v1`, behind an API key.
fn v1(app: &App) -> Router<App> {
    let consents = || {
        allow(app, With(ConsentsRead), get(consent::list::list)).merge(allow(
            app,
            With(ConsentsWrite),
            post(consent::create::create),
        ))
    };
    Router::new()
        .route("/health", allow(app, Everybody, get(health::with_key)))
        .nest("/clients", clients(app))
        .route("/service/consents", consents())
        .route("/service/consents/search", allow(app, With(ConsentsWrite), post(consent::create::create)))
        .route("/service/consents/summary", allow(app, With(ConsentsRead), get(consent::summary::summary)))
        .route(
            "/service/consents/{id}",
            allow(app, With(ConsentsRead), get(consent::retrieve::retrieve)).merge(allow(
                app,
                With(ConsentsWrite),
                put(consent::update::update).patch(consent::update::update).delete(consent::revoke::revoke),
            )),
        )
        .route("/service/consents/{id}/history", allow(app, With(ConsentsRead), get(consent::history::history)))
        .route(
            "/webhooks",
            allow(app, With(WebhooksRead), get(webhook::list::list)).merge(allow(
                app,
                With(WebhooksWrite),
                post(webhook::create::create),
            )),
        )
        .route("/webhooks/event-types", allow(app, With(WebhooksRead), get(webhook::event_types::event_types)))
        .route(
            "/webhooks/{id}",
            allow(app, With(WebhooksRead), get(webhook::retrieve::retrieve)).merge(allow(
                app,
                With(WebhooksWrite),
                delete(webhook::delete::delete),
            )),
        )
        .fallback(async |_: ApiClient| no_such_route().await)
        .method_not_allowed_fallback(async |_: ApiClient| method_not_allowed().await)
}

/// Everything under `/v1/clients`.
fn clients(app: &App) -> Router<App> {
    Router::new()
        .route(
            "/",
            allow(app, Owner(ClientsRead), get(client::list::list)).merge(allow(
                app,
                Owner(ClientsWrite),
                post(client::create::create),
            )),
        )
        .route(
            "/{id}",
            allow(app, OfAClient, get(client::retrieve::retrieve)).merge(allow(
                app,
                Owner(ClientsWrite),
                put(client::update::update).patch(client::update::update).delete(client::delete::delete),
            )),
        )
        .route("/{id}/regenerate-key", allow(app, OfAClient, post(client::regenerate_key::regenerate_key)))
        .route(
            "/{id}/rotate-callback-secret",
            allow(app, OfAClient, post(client::rotate_callback_secret::rotate_callback_secret)),
        )
}

/// One layer around everything: for each request a layer costs a copy of all that is inside of it.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let run = |request| read_the_rest(request, |request| next.run(request));
    let mut response = with_request_id(request, run).await;
    close_while_draining(&app, &mut response);
    response
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
