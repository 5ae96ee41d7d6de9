//! `GET /r/{id}/code`: the code that was sent is to be entered, and what entering it will do.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::id::ConsentId;

use super::Visit;
use super::grant::Grant;
use crate::app::App;
use crate::ephemeral::code::{self, Action, Issued, Standing};
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::view::{CodePage, Frame, render, see_other};
use crate::words::Problem;

pub async fn enter(app: &App, id: ConsentId, headers: &HeaderMap) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let Some(browser) = BrowserSession::of(headers) else { return Ok(see_other(&visit.path())) };
    let session = browser.hash(app.vault.master());
    let Some(issued) = code::find(&app.pool, session, &id.to_string()).await? else {
        return Ok(see_other(&visit.path()));
    };
    let problem = match issued.standing(visit.now) {
        Standing::Used => return Ok(see_other(&visit.path())),
        Standing::Expired => Some(Problem::ExpiredCode),
        Standing::Exhausted => Some(Problem::ExhaustedCode),
        Standing::Good { .. } => None,
    };
    visit.allows(issued.bound.action)?;
    if issued.bound.sequence != visit.sequence {
        return Err(PageError::Changed(visit.id.into()));
    }
    code_page(app, &visit, &browser, &issued, problem)
}

/// The page that a code is entered on, with what is wrong with the one entered before.
pub fn code_page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    issued: &Issued,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let (words, action) = (visit.words, issued.bound.action);
    let grant = issued.bound.grant.as_ref().map(|sealed| Grant::open(visit, sealed)).transpose()?;
    let tries_left = match issued.standing(visit.now) {
        Standing::Good { tries_left } => Some((words.tries_left)(tries_left)),
        Standing::Expired | Standing::Exhausted | Standing::Used => None,
    };
    let title = if tries_left.is_some() { (words.code_title)(action) } else { words.code_over_title };
    let page = CodePage {
        frame: Frame { words, title: title.to_owned(), error: problem.is_some() },
        hidden: visit.hidden(app, browser),
        sent: (words.code_sent)(&visit.recipient.masked()),
        will_do: (words.will_do)(action, &visit.client),
        fields: grant.map(|grant| grant.labels(visit)),
        problem: problem.map(words.problem),
        tries_left,
        confirm: (words.confirm)(action),
        careful: matches!(action, Action::Reject | Action::Withdraw),
    };
    Ok(render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page))
}
