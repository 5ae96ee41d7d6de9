//! What stands before every route of the API: its permission, then idempotency.

use axum::extract::{Request, State};
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

async fn guard(
    State((app, permission)): State<(App, Option<Permission>)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(client) = request.extensions().get::<ApiClient>().cloned() else {
        return ApiError::unauthorized().into_response();
    };
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
