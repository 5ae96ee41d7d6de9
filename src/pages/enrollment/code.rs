//! The code that proves the handle: asked for, entered, and compared.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::id::EnrollmentId;

use super::Visit;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::code::{self, Action, Bound, Issued, OneTimeCode, Standing};
use crate::ephemeral::proof;
use crate::notifier::Message;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::post::Posted;
use crate::pages::qr::Via;
use crate::pages::view::{CodePage, Frame, render, see_other, with_session};
use crate::person::holder;
use crate::words::Problem;

/// `POST /r/{id}/code` and `POST /r/{id}/again`: sends a code.
pub async fn ask(app: &App, id: EnrollmentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    visit.is_open()?;
    visit.scan(app, Via::parse(posted.form.one("via")?)).await?;
    if !app.notifier.reaches(&visit.recipient) {
        return Err(PageError::NoWayThere);
    }
    visit.count(app, Use::Send, &posted).await?;
    let bound = Bound {
        session: posted.browser.hash(app.vault.master()),
        resource: id.to_string(),
        sequence: visit.sequence,
        action: Action::Enroll,
        grant: None,
    };
    let code = code::issue(&app.pool, app.vault.master(), &bound, visit.now()).await?;
    let sent = app.notifier.send(&visit.recipient, message(&visit, &code)).await;
    sent.map_err(|error| {
        tracing::error!(error = %error, enrollment = %id, "a code could not be sent");
        PageError::NotSent(id.into())
    })?;
    Ok(see_other(&format!("{}/code", visit.path())))
}

fn message(visit: &Visit, code: &OneTimeCode) -> Message<'static> {
    Message {
        to: "",
        channel: "",
        subject: (visit.words.passkeys().code_subject)(&visit.client),
        text: (visit.words.code_text)(code.reveal(), Action::Enroll, &visit.client, ""),
        link: None,
        code: Some(code.reveal().to_owned()),
        resource_id: visit.id.to_string(),
    }
}

/// `GET /r/{id}/code`: the code that was sent is to be entered.
pub async fn enter(app: &App, id: EnrollmentId, headers: &HeaderMap) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let Some(browser) = BrowserSession::of(headers) else { return Ok(see_other(&visit.path())) };
    let session = browser.hash(app.vault.master());
    let Some(issued) = code::find(&app.pool, session, &id.to_string()).await? else {
        return Ok(see_other(&visit.path()));
    };
    let problem = match issued.standing(visit.now()) {
        Standing::Used => return Ok(see_other(&visit.path())),
        Standing::Expired => Some(Problem::ExpiredCode),
        Standing::Exhausted => Some(Problem::ExhaustedCode),
        Standing::Good { .. } => None,
    };
    visit.is_open()?;
    Ok(code_page(app, &visit, &browser, &issued, problem))
}

/// `POST /r/{id}/decide`: a code comes back. The try is counted before anything is compared, and the code is used up
/// before anything follows from it.
pub async fn decide(app: &App, id: EnrollmentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let (session, resource) = (posted.browser.hash(app.vault.master()), id.to_string());
    let issued = code::find(&app.pool, session, &resource).await?.ok_or(PageError::NoCode(id.into()))?;
    if issued.standing(visit.now()) == Standing::Used {
        return Ok(see_other(&visit.path()));
    }
    visit.is_open()?;
    let page = |issued: &Issued, problem| Ok(code_page(app, &visit, &posted.browser, issued, Some(problem)));
    let Some(typed) = OneTimeCode::typed(posted.form.one("code")?) else {
        return page(&issued, Problem::NoCode);
    };
    let Some(tried) = code::count_try(&app.pool, session, &resource, visit.now()).await? else {
        let expired = issued.standing(visit.now()) == Standing::Expired;
        return page(&issued, if expired { Problem::ExpiredCode } else { Problem::ExhaustedCode });
    };
    visit.count(app, Use::Try, &posted).await?;
    if tried.bound.sequence != visit.sequence || tried.bound.action != Action::Enroll {
        return Err(PageError::Changed(id.into()));
    }
    if !tried.is(app.vault.master(), &typed) {
        let problem = match tried.standing(visit.now()) {
            Standing::Good { tries_left } => Problem::WrongCode { tries_left },
            _ => Problem::ExhaustedCode,
        };
        return page(&tried, problem);
    }
    if !code::redeem(&app.pool, &tried, visit.now()).await? {
        return Ok(see_other(&visit.path()));
    }
    proven(app, &visit, session).await
}

/// The handle is proved: it has a holder from here on, and this browser a new session that may go on.
async fn proven(app: &App, visit: &Visit, old: [u8; 32]) -> Result<Response, PageError> {
    holder::find_or_make(app, &visit.recipient, &visit.occasion).await?;
    let browser = BrowserSession::random();
    let new = browser.hash(app.vault.master());
    let user = visit.session.request.user_id;
    proof::record(&app.pool, (old, new), &visit.id.to_string(), user, visit.now()).await?;
    tracing::info!(enrollment = %visit.id, "a recipient proved the handle");
    Ok(with_session(see_other(&visit.path()), &browser))
}

fn code_page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    issued: &Issued,
    problem: Option<Problem>,
) -> Response {
    let (words, action) = (visit.words, Action::Enroll);
    let tries_left = match issued.standing(visit.now()) {
        Standing::Good { tries_left } => Some((words.tries_left)(tries_left)),
        Standing::Expired | Standing::Exhausted | Standing::Used => None,
    };
    let title = if tries_left.is_some() { (words.code_title)(action) } else { words.code_over_title };
    let page = CodePage {
        frame: Frame { words, title: title.to_owned(), error: problem.is_some() },
        hidden: visit.hidden(app, browser),
        sent: (words.code_sent)(&visit.recipient.masked()),
        will_do: (words.will_do)(action, &visit.client),
        fields: None,
        problem: problem.map(words.problem),
        tries_left,
        confirm: (words.confirm)(action),
        careful: false,
    };
    render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}
