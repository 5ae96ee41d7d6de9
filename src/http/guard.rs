//! What stands before every route of the API: a key, its permission, then idempotency. Without a valid key nothing else
//! is looked at.

use axum::extract::{FromRef, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use mobid_domain::client::Permission;

use super::authentication::ApiClient;
use super::error::ApiError;
use super::idempotency;
use crate::app::App;

/// These methods, for keys that have this permission.
pub fn allow(app: &App, permission: Permission, routes: MethodRouter<App>) -> MethodRouter<App> {
    routes.route_layer(from_fn_with_state((app.clone(), Some(permission)), guard))
}

/// These methods, for every valid key.
pub fn allow_all(app: &App, routes: MethodRouter<App>) -> MethodRouter<App> {
    routes.route_layer(from_fn_with_state((app.clone(), None), guard))
}

/// What a guard knows of its route.
type Guarded = (App, Option<Permission>);

impl FromRef<Guarded> for App {
    fn from_ref((app, _): &Guarded) -> Self {
        app.clone()
    }
}

async fn guard(
    State((app, permission)): State<Guarded>,
    client: ApiClient,
    request: Request,
    next: Next,
) -> Response {
    if let Some(permission) = permission
        && !client.may(permission)
    {
        return ApiError::forbidden(permission.as_str()).into_response();
    }
    if request.method() == Method::POST {
        return idempotency::once(&app, &client, request, next).await;
    }
    next.run(request).await
}
