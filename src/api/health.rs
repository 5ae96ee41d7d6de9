//! Whether the server lives and can serve.

use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use mobid_projections::stream::failure;
use mobid_projections::stream::progress::Condition;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::App;
use crate::event_store::Heads;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, json_response, ok};
use crate::http::query::Query;
use crate::limits::Counting;
use crate::openapi::operation::{Operation, Shown};

/// How long the database may take to answer for it to count as there.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// `GET /v1/health`: the same as readiness, for a holder of a key.
pub async fn with_key(client: ApiClient, State(app): State<App>, query: Query) -> ApiResult {
    health(&app, query, Some(client.as_of))
}

/// What that would be without its guard. Nothing serves it but the bench, for a comparison.
pub async fn without_key(State(app): State<App>, query: Query) -> ApiResult {
    health(&app, query, heads(&app).await)
}

fn health(app: &App, query: Query, heads: Option<Heads>) -> ApiResult {
    query.finish()?;
    let status = if is_ready(app, heads) { "ok" } else { "degraded" };
    ok("Service health", &json!({ "status": status, "version": env!("CARGO_PKG_VERSION") }))
}

/// `GET /health/live`: the process answers.
pub async fn live() -> Response {
    json_response(StatusCode::OK, json!({ "status": "ok" }).to_string(), None)
}

/// `GET /health/ready`: the database answers, no follower of the log is stopped, and neither is the server.
pub async fn ready(State(app): State<App>) -> Response {
    if is_ready(&app, heads(&app).await) {
        json_response(StatusCode::OK, json!({ "status": "ok" }).to_string(), None)
    } else {
        json_response(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "unavailable" }).to_string(), None)
    }
}

/// `GET /health/detail` on the admin address: how far each follower is, what stopped it, and where
/// limits are counted.
pub async fn detail(State(app): State<App>) -> Response {
    let heads = heads(&app).await;
    let head = heads.map(|heads| heads.log);
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
    let ready = is_ready(&app, heads);
    // Without Redis each instance holds the limits for itself, which is no reason to send nobody here.
    let detail = json!({ "ready": ready, "head": head, "followers": followers, "failures": failures,
        "limits": describe_limits(&app.limiter.counting()) });
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

fn describe_limits(counting: &Counting) -> Value {
    let (condition, away) = match counting {
        Counting::InProcess => ("in_process", None),
        Counting::Shared => ("shared", None),
        Counting::WithoutRedis(away) => ("redis_away", Some(away)),
    };
    let since = away.map(|away| away.since.to_rfc3339_opts(SecondsFormat::Micros, true));
    json!({ "condition": condition, "since": since, "error": away.map(|away| &away.error) })
}

/// What the database says, asked once by all who want to know at the same time; nothing if it does not answer.
async fn heads(app: &App) -> Option<Heads> {
    // A database that is cut off does not say so.
    timeout(ANSWERED_WITHIN, app.keys.heads.read()).await.ok()?.ok()
}

fn is_ready(app: &App, heads: Option<Heads>) -> bool {
    let stopped =
        app.followers.all().iter().any(|p| matches!(*p.condition.borrow(), Condition::Stopped { .. }));
    !stopped && !*app.draining.borrow() && heads.is_some_and(|heads| !heads.a_follower_failed)
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
