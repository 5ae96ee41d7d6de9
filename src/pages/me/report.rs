//! `GET` and `POST /me/consents/{id}/report`: a person tells those who run the service of abuse.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::plain::is_plain;
use mobid_domain::report::Reason;

use super::consent::{ConsentPath, looked_at, named, own, path};
use super::door::{self, Signed};
use super::post::Posted;
use super::refusal::Refusal;
use super::view::{ReasonChoice, ReportPage};
use crate::app::App;
use crate::ephemeral::cap::{self, Subjects, Use};
use crate::pages::consent::Visit;
use crate::pages::error::PageError;
use crate::pages::view::{Frame, render, see_other};
use crate::person::report::{self, Details};
use crate::words::Problem;

/// The longest text, in characters.
const MAX_CHARACTERS: usize = 1_000;

/// A form as it was filled in, with what is wrong with it.
#[derive(Default)]
struct Filled {
    reason: Option<Reason>,
    reason_problem: Option<&'static str>,
    text: String,
    text_problem: Option<String>,
}

pub async fn show(
    State(app): State<App>,
    id: ConsentPath,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (signed, visit) = match looked_at(&app, id, &headers).await? {
        Ok(looked_at) => looked_at,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if report::find(&app, signed.session.person, visit.id).await?.is_some() {
        return Ok(see_other(&path(visit.id)));
    }
    Ok(page(&app, &signed, &visit, Filled::default()))
}

pub async fn file(State(app): State<App>, id: ConsentPath, posted: Posted) -> Result<Response, PageError> {
    let id = named(id)?;
    let signed = door::person(&app, &posted.browser).await?;
    let visit = own(&app, &signed, id).await?;
    let person = signed.session.person;
    if report::find(&app, person, id).await?.is_some() {
        return Ok(see_other(&path(id)));
    }
    let (reason, text) = match read(&signed, &posted)? {
        Ok(read) => read,
        Err(filled) => return Ok(page(&app, &signed, &visit, filled)),
    };
    let of_person = person.to_string();
    let subjects = Subjects { resource: &of_person, handle: "", address: None, client: "" };
    let now = signed.now();
    if cap::count(&app.pool, app.vault.master(), Use::Report, &subjects, now).await?.is_some() {
        return Err(Refusal::TooManyReports.into());
    }
    let details = Details { client_id: visit.session.request.client_id, consent_id: id, text };
    report::file(&app, person, (reason, &details), &signed.occasion).await?;
    Ok(see_other(&path(id)))
}

fn read(signed: &Signed, posted: &Posted) -> Result<Result<(Reason, String), Filled>, PageError> {
    let (words, me) = (signed.words, signed.words.me());
    // A text area's lines end with both, whatever was typed (HTML, 4.10.22.4).
    let text = posted.form.one("text")?.replace("\r\n", "\n").trim().to_owned();
    let reason = Reason::parse(posted.form.one("reason")?);
    let reason_problem = reason.is_none().then_some(me.no_reason);
    let text_problem = match text.chars().count() {
        0 if reason == Some(Reason::Other) => Some(me.no_words.to_owned()),
        n if n > MAX_CHARACTERS => Some((me.report_too_long)(MAX_CHARACTERS)),
        _ if text.contains(|c| c != '\n' && !is_plain(c)) => Some((words.problem)(Problem::Unreadable)),
        _ => None,
    };
    Ok(match (reason, text_problem) {
        (Some(reason), None) => Ok((reason, text)),
        (reason, text_problem) => Err(Filled { reason, reason_problem, text, text_problem }),
    })
}

fn page(app: &App, signed: &Signed, visit: &Visit, filled: Filled) -> Response {
    let me = signed.words.me();
    let error = filled.reason_problem.is_some() || filled.text_problem.is_some();
    let choice = |reason: Reason| ReasonChoice {
        value: reason.as_str(),
        label: (me.reason)(reason),
        chosen: filled.reason == Some(reason),
    };
    let page = ReportPage {
        frame: Frame { words: signed.words, title: (me.report_page_title)(&visit.client), error },
        csrf: signed.csrf(app),
        me,
        at: path(visit.id),
        lead: (me.report_lead)(&visit.client),
        reasons: Reason::ALL.map(choice).into(),
        reason_problem: filled.reason_problem,
        text: filled.text,
        text_problem: filled.text_problem,
        limit: MAX_CHARACTERS,
    };
    render(if error { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}
