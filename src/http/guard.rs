//! What stands before every route of the API: a key, its limits, its permission, then idempotency. Without a valid key
//! nothing else is looked at, but for the answer that told its holder the next one (`lost_answer`).

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use mobid_domain::client::{Permission, Standing};

use super::authentication::ApiClient;
use super::error::ApiError;
use super::{idempotency, lost_answer, unread, watching};
use crate::app::App;
use crate::limits::{self, Verdict};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every valid key.
    Everybody,
    /// Keys with this permission.
    With(Permission),
    /// The same, and whoever has a watch token for what the path names.
    Watched(Permission),
    /// The owner, by a key with this permission.
    Owner(Permission),
    /// Every client, about what the handler lets it see. Like the owner's, by no key in its grace: whoever has an old
    /// key must not get a new one with it.
    OfAClient,
}

impl Access {
    fn check(self, client: &ApiClient) -> Result<(), ApiError> {
        match self {
            Self::Owner(_) | Self::OfAClient if client.standing == Standing::InGrace => {
                Err(ApiError::key_in_grace())
            }
            Self::Owner(_) if !client.account.owner => Err(ApiError::owner_only()),
            Self::With(permission) | Self::Watched(permission) | Self::Owner(permission)
                if !client.may(permission) =>
            {
                Err(ApiError::forbidden(permission.as_str()))
            }
            Self::Everybody | Self::OfAClient | Self::With(_) | Self::Watched(_) | Self::Owner(_) => Ok(()),
        }
    }
}

/// These methods, for those who may use them.
pub fn allow(app: &App, access: Access, routes: MethodRouter<App>) -> MethodRouter<App> {
    routes.route_layer(from_fn_with_state((app.clone(), access), guard))
}

/// What is no route, for every valid key: asking for it counts like anything else.
pub fn with_key<T: 'static>(app: &App, handler: impl Handler<T, App>) -> impl Handler<T, App> {
    handler.layer(from_fn_with_state(app.clone(), count))
}

/// What a guard knows of its route.
type Guarded = (App, Access);

impl FromRef<Guarded> for App {
    fn from_ref((app, _): &Guarded) -> Self {
        app.clone()
    }
}

async fn guard(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    let (app, access) = (&guarded.0, guarded.1);
    if matches!(access, Access::Watched(_)) && watching::has_token(&request) {
        return watching::answer(app, request, next).await;
    }
    let (mut parts, body) = request.into_parts();
    let client = ApiClient::from_request_parts(&mut parts, &guarded).await;
    let request = Request::from_parts(parts, body);
    match client {
        Ok(client) => {
            let answer = |request| answer(app, access, &client, request, next);
            within_limits(app, &client, request, answer).await
        }
        Err(error) if access == Access::OfAClient => lost_answer::or(app, request, error).await,
        Err(error) => error.into_response(),
    }
}

async fn count(State(app): State<App>, client: ApiClient, request: Request, next: Next) -> Response {
    within_limits(&app, &client, request, |request| next.run(request)).await
}

/// Counts the request, answers it if it is not one too many, and says in either case where its client stands.
async fn within_limits<F: Future<Output = Response>>(
    app: &App,
    client: &ApiClient,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let now = app.clock.now();
    let (usage, mut response) = match app.limiter.admit(client.id, client.account.limits(), now).await {
        Verdict::Refused(usage, policy) => {
            metrics::counter!("mobid_rate_limited_total", "policy" => policy.name()).increment(1);
            app.requests.refused(client.id, now.date_naive(), policy);
            (usage, limits::refuse(&usage, policy).into_response())
        }
        Verdict::Admitted(usage, place) => {
            app.requests.admitted(client.id, now.date_naive());
            request.extensions_mut().insert(place.clone());
            let response = answer(request).await;
            drop(place);
            (usage, response)
        }
    };
    limits::describe(response.headers_mut(), &usage);
    response.extensions_mut().insert(unread::OfAClient);
    response
}

async fn answer(app: &App, access: Access, client: &ApiClient, request: Request, next: Next) -> Response {
    if let Err(error) = access.check(client) {
        return lost_answer::or(app, request, error).await;
    }
    if request.method() == Method::POST {
        return idempotency::once(app, client, request, next).await;
    }
    next.run(request).await
}
