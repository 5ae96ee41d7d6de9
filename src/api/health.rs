//! Whether the server lives and can serve.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use mobid_projections::stream::failure;
use mobid_projections::stream::progress::Condition;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::envelope::{ApiResult, json_response, ok};
use crate::http::query::Query;
use crate::openapi::operation::{Operation, Shown};

/// `GET /v1/health`: the same as readiness, for a holder of a key.
pub async fn with_key(State(app): State<App>, query: Query) -> ApiResult {
    query.finish()?;
    let status = if is_ready(&app).await { "ok" } else { "degraded" };
    ok("Service health", &json!({ "status": status, "version": env!("CARGO_PKG_VERSION") }))
}

/// `GET /health/live`: the process answers.
pub async fn live() -> Response {
    json_response(StatusCode::OK, json!({ "status": "ok" }).to_string(), None)
}

/// `GET /health/ready`: the database answers, no follower of the log is stopped, and neither is the server.
pub async fn ready(State(app): State<App>) -> Response {
    if is_ready(&app).await {
        json_response(StatusCode::OK, json!({ "status": "ok" }).to_string(), None)
    } else {
        json_response(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "unavailable" }).to_string(), None)
    }
}

/// `GET /health/detail` on the admin address: how far each follower is, and what stopped it.
pub async fn detail(State(app): State<App>) -> Response {
    let head = app.keys.heads.read().await.map(|heads| heads.log).ok();
    let failures = failure::all(&app.pool).await.ok();
    let followers: Vec<_> = app
        .followers
        .all()
        .iter()
        .map(|progress| {
            let position = *progress.position.borrow();
            let (condition, error) = describe(&progress.condition.borrow());
            json!({ "name": progress.name, "version": progress.version, "position": position,
                "lag": head.map(|head| head - position), "condition": condition, "error": error })
        })
        .collect();
    let ready = is_ready(&app).await;
    let detail = json!({ "ready": ready, "head": head, "followers": followers, "failures": failures });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, axum::Json(detail)).into_response()
}

fn describe(condition: &Condition) -> (&'static str, Value) {
    match condition {
        Condition::StandingBy => ("standing_by", Value::Null),
        Condition::Following => ("following", Value::Null),
        Condition::Struggling(error) => ("struggling", json!(error)),
        Condition::Stopped { position, error } => {
            ("stopped", json!({ "position": position, "error": error }))
        }
    }
}

async fn is_ready(app: &App) -> bool {
    let stopped =
        app.followers.all().iter().any(|p| matches!(*p.condition.borrow(), Condition::Stopped { .. }));
    !stopped && !*app.draining.borrow() && app.readiness.of_the_database().await
}

/// The route with a key, as the document describes it.
pub fn described() -> Operation {
    let data = json!({ "type": "object", "required": ["status", "version"], "properties": {
        "status": { "type": "string", "enum": ["ok", "degraded"] },
        "version": { "type": "string" },
    } });
    let route = (Method::GET, "/health");
    Operation::new(route, ("Service", "health"), "Health", ("Service health", Shown::of(data)))
}
