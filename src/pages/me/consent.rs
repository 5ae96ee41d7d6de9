//! `GET /me/consents/{id}`: one consent, with everything that is known of it and what can still be done.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::consent::{Assurance, Phase, Status};
use mobid_domain::fido::Reason;
use mobid_domain::id::ConsentId;

use super::door::{self, Signed};
use super::overview::tone;
use super::view::{ConsentPage, Withdraw, Withdrawal};
use crate::app::App;
use crate::pages::consent::{Visit, outcome};
use crate::pages::error::PageError;
use crate::pages::language;
use crate::pages::view::{Ceremony, Fact, Frame, Link, Moment, render};
use crate::person::report;

pub type ConsentPath = Result<Path<String>, PathRejection>;

pub fn named(path: ConsentPath) -> Result<ConsentId, PageError> {
    path.map_err(|_| PageError::NotFound)?.0.parse().map_err(|_| PageError::NotFound)
}

pub async fn show(
    State(app): State<App>,
    path: ConsentPath,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match looked_at(&app, path, &headers).await? {
        Ok((signed, visit)) => page(&app, &signed, &visit, None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// Who looks at which of their consents; whoever is not signed in is led to where one does.
pub async fn looked_at(
    app: &App,
    path: ConsentPath,
    headers: &HeaderMap,
) -> Result<Result<(Box<Signed>, Visit), Response>, PageError> {
    let id = named(path)?;
    Ok(match door::looking(app, headers).await? {
        Ok(signed) => {
            let visit = own(app, &signed, id).await?;
            Ok((signed, visit))
        }
        Err(elsewhere) => Err(elsewhere),
    })
}

/// A consent of theirs; one of somebody else's is as good as none. The page speaks the person's language, not the one
/// that the client asked for.
pub async fn own(app: &App, signed: &Signed, id: ConsentId) -> Result<Visit, PageError> {
    let visit = Visit::load(app, id).await;
    language::asked_for(Some(signed.words.lang));
    let mut visit = visit?;
    if !visit.addressee().is(app, signed.session.person).await? {
        return Err(PageError::NotFound);
    }
    visit.words = signed.words;
    Ok(visit)
}

pub fn path(id: ConsentId) -> String {
    format!("/me/consents/{id}")
}

/// The page as it stands, with what was wrong about the last try.
pub async fn page(
    app: &App,
    signed: &Signed,
    visit: &Visit,
    problem: Option<Reason>,
) -> Result<Response, PageError> {
    let (words, me) = (signed.words, signed.words.me());
    let status = visit.status();
    let text = match status {
        Status::Pending => (me.pending)(&visit.client),
        _ => outcome::headline(visit).1,
    };
    let granted = outcome::granted(visit, true)?;
    let asked = &visit.session.request.scope;
    let kept = asked.iter().filter(|slug| {
        visit.session.approval().is_none_or(|approval| !approval.granted_scope.contains(slug))
    });
    let pending = status == Status::Pending;
    let reported = report::find(app, signed.session.person, visit.id).await?;
    let page = ConsentPage {
        frame: Frame { words, title: visit.client.clone(), error: problem.is_some() },
        csrf: signed.csrf(app),
        sequence: visit.sequence,
        me,
        at: path(visit.id),
        status: (me.status)(status),
        tone: tone(status),
        text,
        facts: facts(visit),
        asked: kept.map(|slug| words.field_of(slug.as_str())).collect(),
        granted,
        answer: pending.then(|| Link { href: format!("/r/{}", visit.id), label: me.answer.to_owned() }),
        withdraw: (status == Status::Approved).then(|| withdraw(signed, visit)),
        problem: problem.map(words.passkeys().not_taken),
        reported: reported.map(|at| (me.reported)(&(words.time)(at))),
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(render(status, &page))
}

fn facts(visit: &Visit) -> Vec<Fact> {
    let words = visit.words;
    let when = |term, at| {
        let moment = Moment::new(words, at);
        Fact { term, text: moment.text, rfc3339: Some(moment.rfc3339) }
    };
    let mut facts = outcome::facts(visit);
    // Beside what every page says of it: when it came, until when it could be answered, and how it was.
    let mut asked = vec![when(words.me().asked_term, visit.session.created_at)];
    let status = visit.status();
    if status != Status::Expired {
        asked.push(when(words.until_term, visit.session.request.expires_at));
    }
    let dated = facts.iter().position(|fact| fact.rfc3339.is_some()).unwrap_or(facts.len());
    // What waits has no end yet.
    facts.splice(dated..dated + usize::from(status == Status::Pending), asked);
    if let Some(assurance) = assurance(visit) {
        let text = (words.me().decided_by)(assurance.method).to_owned();
        facts.push(Fact { term: words.me().decided_by_term, text, rfc3339: None });
    }
    facts
}

fn assurance(visit: &Visit) -> Option<&Assurance> {
    match &visit.session.phase {
        Phase::Rejected { assurance, .. } => Some(assurance),
        _ => visit.session.approval().map(|approval| &approval.assurance),
    }
}

fn withdraw(signed: &Signed, visit: &Visit) -> Withdraw {
    let words = signed.words;
    let masked = visit.recipient.masked();
    let (text, way) = match signed.session.passkey {
        Some(_) => {
            let ceremony = Ceremony::new(words.passkeys(), words.passkeys().withdraw);
            (words.passkeys().withdraw_text, Withdrawal::ByPasskey(ceremony))
        }
        None if visit.passkey_demanded() => {
            (words.passkeys().withdraw_text, Withdrawal::Not(words.me().withdraw_only_by_passkey))
        }
        None => (words.me().withdraw_text, Withdrawal::ByCode),
    };
    Withdraw { text: text(&visit.client, &masked), way }
}
