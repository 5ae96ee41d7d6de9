//! A form of the pages under `/me`: the same three checks as for every other (`pages::post`), with the cookie of these.

use std::net::IpAddr;

use axum::extract::{FromRequest, Request};
use mobid_domain::handle::Handle;

use super::door;
use super::refusal::Refusal;
use crate::app::App;
use crate::ephemeral::cap::{self, Subjects, Use};
use crate::http::address;
use crate::pages::browser::BrowserSession;
use crate::pages::error::{PageError, Way};
use crate::pages::form::{Form, FormError};
use crate::pages::post::{from_here, is_form};

pub struct Posted {
    pub browser: BrowserSession,
    /// `None` where the connection does not tell.
    pub address: Option<IpAddr>,
    pub form: Form,
}

impl FromRequest<App> for Posted {
    type Rejection = PageError;
    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        if !from_here(&parts.headers, &app.config.public_origin()) {
            return Err(PageError::CrossSite);
        }
        if !is_form(&parts.headers) {
            return Err(PageError::Form(FormError::Malformed));
        }
        let form = Form::read(body, app.config.body_arrival()).await?;
        let browser = BrowserSession::of_person(&parts.headers).ok_or(PageError::FormVoid(Way::Home))?;
        let expected = door::csrf(app, &browser);
        if !crate::secret::equal(form.one("csrf")?.as_bytes(), expected.as_bytes()) {
            return Err(PageError::FormVoid(Way::Home));
        }
        let address = address::of(&parts.headers, &parts.extensions, &app.config.trusted_proxies);
        Ok(Self { browser, address, form })
    }
}

impl Posted {
    /// Counts a code that is asked for or entered to sign in. There is no client here whose recipients could share a
    /// limit, so that stands for the handle once more.
    pub async fn count_for(&self, app: &App, of: Use, handle: &Handle) -> Result<(), PageError> {
        let handle = handle.normalized();
        let of_handle = format!("sign in {handle}");
        let subjects =
            Subjects { resource: &of_handle, handle: &handle, address: self.address, client: &of_handle };
        count(app, of, &subjects).await
    }

    /// Counts a passkey that is asked for.
    pub async fn count_begin(&self, app: &App) -> Result<(), PageError> {
        let browser = crate::hex::hex(&self.browser.hash(app.vault.master()));
        let subjects = Subjects { resource: &browser, handle: "", address: self.address, client: "" };
        count(app, Use::Begin, &subjects).await
    }
}

/// Counts a use; refuses one too many.
async fn count(app: &App, of: Use, subjects: &Subjects<'_>) -> Result<(), PageError> {
    let now = app.clock.now();
    match cap::count(&app.pool, app.vault.master(), of, subjects, now).await? {
        Some(capped) => Err(Refusal::Capped { now, until: capped.until }.into()),
        None => Ok(()),
    }
}
