//! The passkey step of a login: what is to be signed, and what came of it.
//!
//! The passkey signs where it logs in, by which code and number, and until when (`person::login`).

use axum::Json;
use axum::response::{IntoResponse, Response};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, QrId};
use serde_json::{Value, json};

use super::Visit;
use super::show::passkey_page;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::ceremony::Binding;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::form::FormError;
use crate::pages::post::Posted;
use crate::pages::view::{see_other, with_session};
use crate::person::login::{self, Asked, NotDone};
use crate::webauthn::Assertion;

const KIND: &str = "hosted_login";

/// `POST /r/{code}/passkey/begin`
pub async fn begin(app: &App, code: QrId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, code).await?;
    if !visit.is_open() {
        return Err(PageError::Ended(code.into()));
    }
    visit.client_is_there()?;
    if !visit.is_matched(app, &posted.browser).await? {
        return Err(PageError::NoCode(code.into()));
    }
    visit.count(app, Use::Begin, &posted).await?;
    let (get, asked) = login::begin(app, &visit.text())?;
    let session = posted.browser.hash(app.vault.master());
    let bound = Binding { kind: KIND, holder: &[&session[..], code.0.as_bytes()] };
    let (session, _) = app.ceremonies.begin(bound, &asked, visit.now()).await?;
    Ok(Json(json!({ "get": get, "session": session })).into_response())
}

/// `POST /r/{code}/passkey`
pub async fn finish(app: &App, code: QrId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, code).await?;
    if !visit.is_open() || !visit.is_matched(app, &posted.browser).await? {
        // The page says where it stands, or asks for the number first.
        return Ok(see_other(&visit.path()));
    }
    visit.client_is_there()?;
    let credential = posted.form.one("credential")?;
    if credential.is_empty() {
        // Without a script, or what was to be asked was refused: the page says what to do.
        return Ok(passkey_page(app, &visit, &posted.browser, None));
    }
    let credential: Value = serde_json::from_str(credential).map_err(|_| FormError::Malformed)?;
    let answer = Assertion::read(&credential).map_err(|_| FormError::Malformed)?;
    visit.count(app, Use::Begin, &posted).await?;
    let Some(asked) = taken(app, &visit, &posted).await? else {
        login::failed(app, visit.wanted(), Reason::SessionExpired).await?;
        return Ok(passkey_page(app, &visit, &posted.browser, Some(Reason::SessionExpired)));
    };
    if !asked.is_for(&visit.text())? {
        return Err(PageError::Changed(code.into()));
    }
    match login::finish(app, visit.wanted(), &asked, &answer).await {
        Ok(_) => done(app, &visit, &posted.browser).await,
        Err(NotDone::Bad(reason)) => Ok(passkey_page(app, &visit, &posted.browser, Some(reason))),
        Err(NotDone::Over) => Ok(see_other(&visit.path())),
        Err(NotDone::Trouble(trouble)) => Err(trouble.into()),
    }
}

/// What this browser was asked for this code, once.
async fn taken(app: &App, visit: &Visit, posted: &Posted) -> Result<Option<Asked>, PageError> {
    let Ok(ceremony) = posted.form.one("session")?.parse::<CeremonyId>() else { return Ok(None) };
    let session = posted.browser.hash(app.vault.master());
    let bound = Binding { kind: KIND, holder: &[&session[..], visit.code.0.as_bytes()] };
    Ok(app.ceremonies.take(ceremony, bound, visit.now()).await?)
}

/// The browser is the one that logged in, and the page may say so there.
async fn done(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<Response, PageError> {
    let fresh = visit.prove(app, browser, &visit.login.to_string()).await?;
    Ok(with_session(see_other(&visit.path()), &fresh))
}
