//! Pages that watch one resource with its watch token instead of an API key.
//!
//! The token is all that counts, and no cookie ever does, so pages of every origin may ask: a list of origins would keep
//! out nobody who has a token, for it binds browsers alone, and would keep a client waiting for its own page. It counts
//! against no limit of its client's, whose key another's page must not be able to use up: who waits has a cap of its
//! own, and who tries bad tokens is turned away like who tries bad keys.

use std::future::Future;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use mobid_domain::client::{Client, Permission, Status};
use mobid_domain::id::ClientId;

use super::address;
use super::authentication::{self, ApiClient};
use super::error::ApiError;
use crate::app::App;
use crate::changes::Waiting;
use crate::watch;

pub const HEADER: HeaderName = HeaderName::from_static("x-mobid-watch-token");
/// The same in the query, for what a browser asks for without letting anybody add a header.
pub const PARAMETER: &str = "watchToken";

/// A page with a good token for one resource.
#[derive(Debug, Clone)]
pub struct Watcher {
    pub until: DateTime<Utc>,
}

/// Who asks about a resource: a client with its key, or who watches it.
#[derive(Debug, Clone)]
pub enum Viewer {
    Client(ApiClient),
    Watcher(Watcher),
}

impl Viewer {
    /// Whether a resource of this client is theirs to see. What a client was given for its pages ends when it is shut
    /// out.
    pub async fn sees(&self, app: &App, owner: ClientId) -> Result<bool, ApiError> {
        match self {
            Self::Client(client) => Ok(client.id == owner),
            Self::Watcher(watcher) => {
                let client = app.store.load::<Client>(&owner.to_string()).await?.state;
                let active = client.account().is_some_and(|account| account.status == Status::Active);
                if active && app.clock.now() < watcher.until {
                    Ok(true)
                } else {
                    Err(ApiError::watch_token())
                }
            }
        }
    }

    /// The same for a request that has waited: a key or a token may be good no more.
    pub async fn still_sees(&self, app: &App, owner: ClientId, needs: Permission) -> Result<(), ApiError> {
        match self {
            Self::Client(client) => client.check_again(app, needs).await,
            Self::Watcher(_) => self.sees(app, owner).await.map(drop),
        }
    }

    /// A place to wait for what changes.
    pub fn wait_for(&self, app: &App, owner: ClientId, id: &str) -> Result<Waiting, ApiError> {
        let place = match self {
            Self::Client(_) => app.changes.wait_for(owner, id.to_owned()),
            Self::Watcher(_) => app.changes.watch(owner, id.to_owned()),
        };
        place.ok_or_else(ApiError::too_many_waiting)
    }

    /// Before waiting; who watches has no place to give back.
    pub fn give_place_back(&self) {
        if let Self::Client(client) = self {
            client.give_place_back();
        }
    }

    pub fn is_watcher(&self) -> bool {
        matches!(self, Self::Watcher(_))
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Some(watcher) = parts.extensions.get::<Watcher>() {
            return Ok(Self::Watcher(watcher.clone()));
        }
        ApiClient::from_request_parts(parts, state).await.map(Self::Client)
    }
}

/// Whether a request comes with a watch token instead of a key.
pub fn has_token(request: &Request) -> bool {
    !request.headers().contains_key(authentication::HEADER)
        && (request.headers().contains_key(HEADER) || in_query(request.uri().query()).is_some())
}

/// Answers who has a token for the resource that the path names.
pub async fn answer<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    run: impl FnOnce(Request) -> F,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match recognise(app, &mut parts).await {
        Ok(watcher) => {
            parts.extensions.insert(watcher);
            run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn recognise(app: &App, parts: &mut Parts) -> Result<Watcher, ApiError> {
    let now = app.clock.now();
    let address =
        address::of(&parts.headers, &parts.extensions, &app.config.trusted_proxies).map(address::subscriber);
    if let Some(seconds) = address.and_then(|address| app.limiter.shield.turns_away(address, &app.clock)) {
        return Err(ApiError::too_many_bad_keys(seconds));
    }
    let resource =
        Path::<String>::from_request_parts(parts, &()).await.map(|Path(id)| id).unwrap_or_default();
    let header = parts.headers.get(HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let presented = header.or_else(|| in_query(parts.uri.query())).unwrap_or_default();
    if let Some(until) = watch::good_until(app.vault.master(), &resource, &presented, now) {
        return Ok(Watcher { until });
    }
    if let Some(address) = address {
        app.limiter.shield.failed(address, now);
    }
    Err(ApiError::watch_token())
}

fn in_query(query: Option<&str>) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query?).ok()?;
    pairs.into_iter().find_map(|(name, value)| (name == PARAMETER).then_some(value))
}

/// What a browser asks before it lets a page send the token in a header: whether it may.
pub fn preflight(request: &Request) -> Option<Response> {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS)?.to_str().ok()?;
    let asks = request.method() == Method::OPTIONS
        && request.uri().path().starts_with("/v1/")
        && asked.split(',').any(|name| name.trim().eq_ignore_ascii_case(HEADER.as_str()));
    if !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "x-mobid-watch-token, last-event-id, x-request-id"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    open_to_every_page(headers);
    Some(response)
}

/// Lets pages of every origin read the answer to who has a token, be it that the token is good no more.
pub fn open_to_every_page(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("etag, retry-after, x-request-id"),
    );
    // For pictures, which a page shows without reading them.
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}
