//! What stands before every route of the API: a key, its limits, its permission, then idempotency. Without a valid key
//! nothing else is looked at, but for the answer that told its holder the next one (`lost_answer`).
//!
//! A guard is a handler around a handler: a layer would cost each request copies of all that is inside of it.

use std::future::Future;
use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use mobid_domain::client::{Permission, Standing};

use super::authentication::{self, ApiClient, Recognised};
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

/// A handler for those who may use it.
#[derive(Clone)]
pub struct Guarded<H> {
    pub handler: H,
    /// None for what is no route: asking for it counts like anything else.
    pub access: Option<Access>,
}

impl<T: 'static, H: Handler<T, App>> Handler<T, App> for Guarded<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, app: App) -> Self::Future {
        Box::pin(async move {
            if matches!(self.access, Some(Access::Watched(_))) && watching::has_token(&request) {
                return watching::answer(&app, request, |request| self.handler.call(request, app.clone()))
                    .await;
            }
            match authentication::recognise(&app, request.headers(), request.extensions()).await {
                Ok(client) => self.within_limits(&app, client, request).await,
                Err(error) if self.access == Some(Access::OfAClient) => {
                    lost_answer::or(&app, request, error).await
                }
                Err(error) => error.into_response(),
            }
        })
    }
}

impl<H> Guarded<H> {
    /// Counts the request, answers it if it is not one too many, and says in either case where its client stands.
    async fn within_limits<T>(self, app: &App, client: Recognised, request: Request) -> Response
    where
        H: Handler<T, App>,
    {
        let (id, now, may_be_left) = (client.id, client.at, unread::may_be_left(&request));
        let (usage, mut response) = match app.limiter.admit(id, client.account.limits(), now).await {
            Verdict::Refused(usage, policy) => {
                metrics::counter!("mobid_rate_limited_total", "policy" => policy.name()).increment(1);
                app.requests.refused(id, now.date_naive(), policy);
                (usage, limits::refuse(&usage, policy).into_response())
            }
            Verdict::Admitted(usage, place) => {
                app.requests.admitted(id, now.date_naive());
                let client = ApiClient::new(client, place);
                let response = self.answer(app, &client, request).await;
                client.give_place_back();
                (usage, response)
            }
        };
        limits::describe(response.headers_mut(), &usage);
        if may_be_left {
            response.extensions_mut().insert(unread::OfAClient);
        }
        response
    }

    async fn answer<T>(self, app: &App, client: &ApiClient, mut request: Request) -> Response
    where
        H: Handler<T, App>,
    {
        request.extensions_mut().insert(client.clone());
        let run = |request| self.handler.call(request, app.clone());
        let Some(access) = self.access else { return run(request).await };
        if let Err(error) = access.check(client) {
            return lost_answer::or(app, request, error).await;
        }
        if request.method() == Method::POST {
            return idempotency::once(app, client, request, run).await;
        }
        run(request).await
    }
}
