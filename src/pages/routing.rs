//! One address for all that a recipient can be asked: which pages answer is said by what it names.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::error::PageError;
use super::post::Posted;
use super::resource::Resource;
use super::view::see_other;
use super::{consent, enrollment, login};
use crate::app::App;

type ResourcePath = Result<Path<String>, axum::extract::rejection::PathRejection>;

fn named(path: ResourcePath) -> Result<Resource, PageError> {
    path.map_err(|_| PageError::NotFound)?.0.parse()
}

/// `GET /r/{id}`: where it stands, and what its recipient can do.
pub async fn show(
    State(app): State<App>,
    path: ResourcePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match named(path)? {
        Resource::Consent(id) => consent::show::show(&app, id, query.as_deref(), &headers).await,
        Resource::Enrollment(id) => enrollment::show::show(&app, id, query.as_deref(), &headers).await,
        Resource::Login(code) => login::show::show(&app, code, &headers).await,
    }
}

/// `GET /r/{id}/code`: the code that was sent is to be entered.
pub async fn enter(
    State(app): State<App>,
    path: ResourcePath,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match named(path)? {
        Resource::Consent(id) => consent::enter::enter(&app, id, &headers).await,
        Resource::Enrollment(id) => enrollment::code::enter(&app, id, &headers).await,
        Resource::Login(_) => Err(PageError::NotFound),
    }
}

/// `POST /r/{id}/code`: a code is asked for.
pub async fn ask(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(id) => consent::ask::ask(&app, id, posted).await,
        Resource::Enrollment(id) => enrollment::code::ask(&app, id, posted).await,
        Resource::Login(_) => Err(PageError::NotFound),
    }
}

/// `POST /r/{id}/again`: another code for the same.
pub async fn again(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(id) => consent::ask::again(&app, id, posted).await,
        Resource::Enrollment(id) => enrollment::code::ask(&app, id, posted).await,
        Resource::Login(_) => Err(PageError::NotFound),
    }
}

/// `POST /r/{id}/decide`: a code comes back, or the number of a login.
pub async fn decide(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(id) => consent::decide::decide(&app, id, posted).await,
        Resource::Enrollment(id) => enrollment::code::decide(&app, id, posted).await,
        Resource::Login(code) => login::number::decide(&app, code, posted).await,
    }
}

/// `POST /r/{id}/passkey/begin`: what a passkey is to sign, for the script of the page.
pub async fn begin(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(id) => consent::passkey::begin(&app, id, posted).await,
        Resource::Enrollment(id) => enrollment::passkey::begin(&app, id, posted).await,
        Resource::Login(code) => login::passkey::begin(&app, code, posted).await,
    }
}

/// `POST /r/{id}/passkey`: a passkey answered, or there is none to ask.
pub async fn finish(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(id) => consent::passkey::finish(&app, id, posted).await,
        Resource::Enrollment(id) => enrollment::passkey::finish(&app, id, posted).await,
        Resource::Login(code) => login::passkey::finish(&app, code, posted).await,
    }
}

/// `POST /r/{id}/recover`: the passkeys are lost, and the recipient begins anew.
pub async fn recover(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    match posted.resource.parse()? {
        Resource::Consent(_) | Resource::Login(_) => Err(PageError::NotFound),
        Resource::Enrollment(id) => enrollment::recover::recover(&app, id, posted).await,
    }
}

/// `GET` of an address that only takes forms: somebody reloaded an answer.
pub async fn back(path: ResourcePath) -> Result<Response, PageError> {
    Ok(see_other(&format!("/r/{}", named(path)?)))
}
