//! `POST /r/{code}/decide`: the number is entered, or whoever is there wants no login.
//!
//! A number is on record before anything follows from it, so that many at once are heard one after the other.

use axum::http::StatusCode;
use axum::response::Response;
use mobid_domain::id::QrId;
use mobid_domain::qr::{Code, CodeCommand, CodeError};

use super::Visit;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::event_store::{ExecuteError, Executed, Terms};
use crate::matching_number;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::form::FormError;
use crate::pages::post::Posted;
use crate::pages::view::{Frame, Moment, NumberPage, render, see_other, with_session};
use crate::person::login;

/// How often a number is heard again that others came before.
const ATTEMPTS: usize = 16;

/// What is wrong with what was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    NoNumber,
    WrongNumber,
}

pub async fn decide(app: &App, code: QrId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, code).await?;
    if !visit.is_open() {
        return Ok(see_other(&visit.path()));
    }
    match posted.form.one("action")? {
        "decline" => decline(app, &visit).await,
        "continue" => {
            visit.client_is_there()?;
            visit.count(app, Use::Number, &posted).await?;
            enter(app, visit, &posted).await
        }
        _ => Err(FormError::Malformed.into()),
    }
}

async fn enter(app: &App, mut visit: Visit, posted: &Posted) -> Result<Response, PageError> {
    let Some(typed) = matching_number::typed(posted.form.one("number")?) else {
        // No try, but somebody is there.
        return match visit.execute(app, CodeCommand::Scan, Terms::default()).await {
            Ok(_) => Ok(page(app, &visit, &posted.browser, Some(Problem::NoNumber))),
            Err(error) => over(&visit, error),
        };
    };
    let right = crate::secret::equal(typed.as_bytes(), visit.number.as_bytes());
    let tried = match try_number(app, &visit, right).await {
        Ok(tried) => tried,
        Err(error) => return over(&visit, error),
    };
    if right {
        let fresh = visit.prove(app, &posted.browser, &visit.code.to_string()).await?;
        return Ok(with_session(see_other(&visit.path()), &fresh));
    }
    tracing::info!(qr = %visit.code, "a wrong number was entered for a login");
    visit.generation = tried.state.generation().cloned().ok_or(PageError::NotFound)?;
    if visit.generation.ended.is_some() {
        return Ok(see_other(&visit.path()));
    }
    Ok(page(app, &visit, &posted.browser, Some(Problem::WrongNumber)))
}

/// The last wrong number ends the code as declining does, so it takes what whoever logs in takes: of the two there is one.
/// Which number is the last is known of the state that it is decided on, and of no other.
async fn try_number(
    app: &App,
    visit: &Visit,
    right: bool,
) -> Result<Executed<Code>, ExecuteError<CodeError>> {
    for _ in 0..ATTEMPTS {
        let loaded = app.store.load::<Code>(&visit.code.to_string()).await?;
        let ends = !right && loaded.state.generation().is_some_and(|code| code.tries_left() <= 1);
        let claims = if ends { vec![login::end(visit.code)] } else { vec![] };
        let holds = |sequence| sequence == loaded.sequence;
        let terms = Terms { precondition: Some(&holds), claims, ..Terms::default() };
        match visit.execute(app, CodeCommand::TryNumber { right }, terms).await {
            Err(ExecuteError::Stale { .. }) => {}
            tried => return tried,
        }
    }
    Err(ExecuteError::Contended)
}

/// Ends the code, unless somebody has logged in by it.
async fn decline(app: &App, visit: &Visit) -> Result<Response, PageError> {
    let terms = Terms { claims: vec![login::end(visit.code)], ..Terms::default() };
    match visit.execute(app, CodeCommand::Decline, terms).await {
        Ok(_) => {
            tracing::info!(qr = %visit.code, "a login was declined");
            Ok(see_other(&visit.path()))
        }
        Err(error) => over(visit, error),
    }
}

/// It ended meanwhile: the page says how.
fn over(visit: &Visit, error: ExecuteError<CodeError>) -> Result<Response, PageError> {
    match error {
        ExecuteError::Refused(CodeError::Expired | CodeError::Ended) | ExecuteError::Claimed(_) => {
            Ok(see_other(&visit.path()))
        }
        ExecuteError::Contended => Err(PageError::Changed(visit.code.into())),
        error => Err(PageError::internal(&error)),
    }
}

/// The page that the number is entered on, with what is wrong with the one entered before.
pub fn page(app: &App, visit: &Visit, browser: &BrowserSession, problem: Option<Problem>) -> Response {
    let (words, logins) = (visit.words, visit.logins());
    let left = visit.generation.tries_left();
    let page = NumberPage {
        frame: Frame { words, title: (logins.title)(&visit.client), error: problem.is_some() },
        hidden: visit.hidden(app, browser),
        step: (logins.step)(1),
        lead: (logins.number_lead)(&visit.client),
        careful: (logins.careful)(&visit.client),
        until: Moment::new(words, visit.generation.expires_at),
        problem: problem.map(|problem| match problem {
            Problem::NoNumber => logins.no_number.to_owned(),
            Problem::WrongNumber => logins.wrong_number.to_owned(),
        }),
        tries_left: (words.tries_left)(i32::try_from(left).unwrap_or(i32::MAX)),
        logins,
    };
    render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}
