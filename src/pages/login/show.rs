//! `GET /r/{code}`: where a login stands, and what there is to do.
//!
//! Looking changes nothing, since link previews look too.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::fido::Reason;
use mobid_domain::id::QrId;

use super::{Visit, number, outcome};
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::consent::show::{come_again, is_from_elsewhere};
use crate::pages::error::PageError;
use crate::pages::view::{Ceremony, Fact, Frame, LoginPage, Moment, render, with_session};

pub async fn show(app: &App, code: QrId, headers: &HeaderMap) -> Result<Response, PageError> {
    let visit = Visit::load(app, code).await?;
    let known = BrowserSession::of(headers);
    if known.is_none() && is_from_elsewhere(headers) {
        return Ok(come_again(visit.words, &visit.path()));
    }
    let browser = known.clone().unwrap_or_else(BrowserSession::random);
    let response = page(app, &visit, &browser).await?;
    Ok(if known.is_none() { with_session(response, &browser) } else { response })
}

async fn page(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<Response, PageError> {
    if !visit.is_open() {
        return Ok(render(StatusCode::OK, &outcome::page(app, visit, browser).await?));
    }
    visit.client_is_there()?;
    if visit.is_matched(app, browser).await? {
        return Ok(passkey_page(app, visit, browser, None));
    }
    Ok(number::page(app, visit, browser, None))
}

/// The page that asks for the passkey, with what was wrong about the last one.
pub fn passkey_page(app: &App, visit: &Visit, browser: &BrowserSession, problem: Option<Reason>) -> Response {
    let (words, logins, passkeys) = (visit.words, visit.logins(), visit.words.passkeys());
    let until = Moment::new(words, visit.generation.expires_at);
    let page = LoginPage {
        frame: Frame { words, title: logins.passkey_title.to_owned(), error: problem.is_some() },
        hidden: visit.hidden(app, browser),
        step: (logins.step)(2),
        lead: (logins.passkey_lead)(&visit.client),
        facts: vec![
            Fact { term: logins.client_term, text: visit.client.clone(), rfc3339: None },
            Fact { term: logins.number_term, text: visit.number.clone(), rfc3339: None },
            Fact { term: logins.until, text: until.text, rfc3339: Some(until.rfc3339) },
        ],
        ceremony: Ceremony::new(passkeys, logins.passkey_button),
        problem: problem.map(passkeys.not_taken),
        none: (logins.none)(&visit.client),
        logins,
    };
    render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}
