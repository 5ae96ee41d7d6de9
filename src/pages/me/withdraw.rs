//! A consent is withdrawn from among all others.
//!
//! It is a decision like any other, so it is proved by itself however fresh the session is: by a passkey that signs the
//! canonical text, or by a code of its own.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::consent::{ConsentPath, looked_at, named, own, page, path};
use super::door::{self, Signed};
use super::post::Posted;
use super::refusal::Refusal;
use super::view::CodePage;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::code::{self, Action, Issued, OneTimeCode, Standing};
use crate::pages::consent::ask::{check_cap, send};
use crate::pages::consent::{Visit, decide as by_code, passkey};
use crate::pages::error::PageError;
use crate::pages::view::{Frame, render, see_other};
use crate::person::passkey::relying_party;
use crate::words::Problem;

/// Whose consent it is, and that it still is what the page showed.
async fn asked(app: &App, id: ConsentPath, posted: &Posted) -> Result<(Box<Signed>, Visit), PageError> {
    let id = named(id)?;
    let signed = door::person(app, &posted.browser).await?;
    let visit = own(app, &signed, id).await?;
    if posted.form.one("sequence")?.parse() != Ok(visit.sequence) {
        return Err(PageError::Changed(id.into()));
    }
    Ok((signed, visit))
}

/// `POST /me/consents/{id}/passkey/begin`
pub async fn begin(State(app): State<App>, id: ConsentPath, posted: Posted) -> Result<Response, PageError> {
    let (_, visit) = asked(&app, id, &posted).await?;
    visit.fits(Action::Withdraw)?;
    check_cap(&app, &visit, Use::Begin, posted.address).await?;
    passkey::ask(&app, &visit, &posted.browser, Action::Withdraw, None).await
}

/// `POST /me/consents/{id}/passkey`
pub async fn finish(State(app): State<App>, id: ConsentPath, posted: Posted) -> Result<Response, PageError> {
    relying_party(&app)?;
    let (signed, visit) = asked(&app, id, &posted).await?;
    if posted.form.one("credential")?.is_empty() {
        visit.fits(Action::Withdraw)?;
        return page(&app, &signed, &visit, None).await;
    }
    match passkey::answered(&app, &visit, &posted.browser, &posted.form).await? {
        Ok(()) => Ok(see_other(&path(visit.id))),
        Err(reason) => page(&app, &signed, &visit, Some(reason)).await,
    }
}

/// `POST /me/consents/{id}/code`
pub async fn ask(State(app): State<App>, id: ConsentPath, posted: Posted) -> Result<Response, PageError> {
    let (_, visit) = asked(&app, id, &posted).await?;
    visit.allows(Action::Withdraw)?;
    send(&app, &visit, &posted.browser, posted.address, Action::Withdraw, None).await?;
    Ok(see_other(&format!("{}/code", path(visit.id))))
}

/// `GET /me/consents/{id}/code`
pub async fn enter(
    State(app): State<App>,
    id: ConsentPath,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (signed, visit) = match looked_at(&app, id, &headers).await? {
        Ok(looked_at) => looked_at,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let session = signed.browser.hash(app.vault.master());
    let Some(issued) = code::find(&app.pool, session, &visit.id.to_string()).await? else {
        return Ok(see_other(&path(visit.id)));
    };
    let problem = match issued.standing(visit.now) {
        Standing::Used => return Ok(see_other(&path(visit.id))),
        Standing::Expired => Some(Problem::ExpiredCode),
        Standing::Exhausted => Some(Problem::ExhaustedCode),
        Standing::Good { .. } => None,
    };
    visit.allows(Action::Withdraw)?;
    Ok(code_page(&app, &signed, &visit, &issued, problem))
}

/// `POST /me/consents/{id}/decide`: a code comes back. The try is counted before anything is compared, and the code is
/// used up before anything is decided.
pub async fn decide(State(app): State<App>, id: ConsentPath, posted: Posted) -> Result<Response, PageError> {
    let id = named(id)?;
    let signed = door::person(&app, &posted.browser).await?;
    let visit = own(&app, &signed, id).await?;
    let (session, resource) = (posted.browser.hash(app.vault.master()), id.to_string());
    let issued = code::find(&app.pool, session, &resource).await?.ok_or(Refusal::NoCode)?;
    if issued.standing(visit.now) == Standing::Used {
        return Ok(see_other(&path(id)));
    }
    visit.allows(Action::Withdraw)?;
    let page = |issued: &Issued, problem| Ok(code_page(&app, &signed, &visit, issued, Some(problem)));
    let Some(typed) = OneTimeCode::typed(posted.form.one("code")?) else {
        return page(&issued, Problem::NoCode);
    };
    let Some(tried) = code::count_try(&app.pool, session, &resource, visit.now).await? else {
        let expired = issued.standing(visit.now) == Standing::Expired;
        return page(&issued, if expired { Problem::ExpiredCode } else { Problem::ExhaustedCode });
    };
    check_cap(&app, &visit, Use::Try, posted.address).await?;
    if tried.bound.sequence != visit.sequence || tried.bound.action != Action::Withdraw {
        return Err(PageError::Changed(id.into()));
    }
    if !tried.is(app.vault.master(), &typed) {
        let problem = match tried.standing(visit.now) {
            Standing::Good { tries_left } => Problem::WrongCode { tries_left },
            _ => Problem::ExhaustedCode,
        };
        return page(&tried, problem);
    }
    visit.accepts_code(&app, Action::Withdraw).await?;
    if code::redeem(&app.pool, &tried, visit.now).await? {
        by_code::execute(&app, &visit, &tried).await?;
    }
    Ok(see_other(&path(id)))
}

fn code_page(
    app: &App,
    signed: &Signed,
    visit: &Visit,
    issued: &Issued,
    problem: Option<Problem>,
) -> Response {
    let words = signed.words;
    let tries_left = match issued.standing(visit.now) {
        Standing::Good { tries_left } => Some((words.tries_left)(tries_left)),
        Standing::Expired | Standing::Exhausted | Standing::Used => None,
    };
    let title =
        if tries_left.is_some() { (words.code_title)(Action::Withdraw) } else { words.code_over_title };
    let page = CodePage {
        frame: Frame { words, title: title.to_owned(), error: problem.is_some() },
        csrf: signed.csrf(app),
        sequence: Some(visit.sequence),
        at: path(visit.id),
        sent: (words.code_sent)(&visit.recipient.masked()),
        will_do: (words.will_do)(Action::Withdraw, &visit.client),
        problem: problem.map(words.problem),
        tries_left,
        confirm: (words.confirm)(Action::Withdraw),
        careful: true,
        missing: None,
        send_again: format!("{}/code", path(visit.id)),
        back: (path(visit.id), words.go_back),
    };
    render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}
