//! `GET /r/{id}`: where an enrollment stands, and what its recipient can do.
//!
//! Looking changes nothing, since link previews look too.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mobid_domain::enrollment::Status;
use mobid_domain::fido::Reason;
use mobid_domain::id::EnrollmentId;

use super::{Visit, outcome};
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::consent::show::{come_again, is_from_elsewhere};
use crate::pages::error::PageError;
use crate::pages::qr::Via;
use crate::pages::view::{
    Ceremony, EnrollPage, Fact, Frame, Moment, PasskeyPage, SharedField, render, with_session,
};
use crate::vault::SealError;

pub async fn show(
    app: &App,
    id: EnrollmentId,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let mut visit = Visit::load(app, id).await?;
    visit.via = Via::of_query(query);
    let known = BrowserSession::of(headers);
    if known.is_none() && is_from_elsewhere(headers) {
        let via = visit.via.map(|via| format!("?via={via}")).unwrap_or_default();
        return Ok(come_again(visit.words, &(visit.path() + &via)));
    }
    let browser = known.clone().unwrap_or_else(BrowserSession::random);
    let response = page(app, &visit, &browser, None).await?;
    Ok(if known.is_none() { with_session(response, &browser) } else { response })
}

/// What there is to do now, with what was wrong about the last try.
pub async fn page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    problem: Option<Reason>,
) -> Result<Response, PageError> {
    if !visit.status().is_open() {
        return Ok(render(StatusCode::OK, &outcome::page(app, visit, browser).await?));
    }
    visit.is_open()?;
    if !visit.is_proven(app, browser).await? {
        return Ok(render(StatusCode::OK, &enroll_page(app, visit, browser)));
    }
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(render(status, &passkey_page(app, visit, browser, problem).await?))
}

/// Before the proof it says nothing but who asks, and whom.
fn enroll_page(app: &App, visit: &Visit, browser: &BrowserSession) -> EnrollPage {
    let (words, masked) = (visit.words.passkeys(), visit.recipient.masked());
    EnrollPage {
        frame: Frame { words: visit.words, title: (words.asks)(&visit.client), error: false },
        hidden: visit.hidden(app, browser),
        until: Moment::new(visit.words, visit.session.request.expires_at),
        via: visit.via.map(|via| via.to_string()),
        next_step: (words.next_step)(&masked),
        masked,
        passkeys: words,
    }
}

async fn passkey_page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    problem: Option<Reason>,
) -> Result<PasskeyPage, PageError> {
    let words = visit.words.passkeys();
    let has_passkey = visit.addressee().has_passkey(app).await?;
    let told = visit.tells_by_code(app).await?;
    let (number, note, button, lost) = match visit.status() {
        Status::DeviceRegistered => (3, words.verify, words.verify_button, None),
        _ if has_passkey => (2, words.exists, words.exists_button, Some(words.lost)),
        _ => (2, words.create, words.create_button, None),
    };
    Ok(PasskeyPage {
        frame: Frame { words: visit.words, title: note.title.to_owned(), error: problem.is_some() },
        hidden: visit.hidden(app, browser),
        step: (words.step)(number),
        text: note.text,
        facts: facts(visit, told)?,
        known_heading: (words.known_heading)(&visit.client),
        known: if told { known(visit)? } else { vec![] },
        ceremony: Ceremony::new(words, button),
        problem: problem.map(words.not_taken),
        lost,
        passkeys: words,
    })
}

fn facts(visit: &Visit, told: bool) -> Result<Vec<Fact>, PageError> {
    let (words, request) = (visit.words, &visit.session.request);
    let plain = |term, text| Fact { term, text, rfc3339: None };
    let mut facts = vec![plain(words.client_term, visit.client.clone())];
    if let Some(sealed) = request.display_name.as_ref().filter(|_| told) {
        let id = visit.id.to_string();
        let name = visit.key.open_text_in(request.client_id, &id, "displayName", sealed)?;
        facts.push(plain(words.passkeys().name_term, name));
    }
    facts.push(plain(words.recipient_term, visit.recipient.masked()));
    Ok(facts)
}

/// What the client says that it knows, for whom it is about.
fn known(visit: &Visit) -> Result<Vec<SharedField>, PageError> {
    let request = &visit.session.request;
    let Some(sealed) = &request.claims else { return Ok(vec![]) };
    let plain = visit.key.open_in(request.client_id, &visit.id.to_string(), "claims", sealed)?;
    let claims: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)?;
    let shown = |(name, value): (String, String)| SharedField {
        label: visit.words.field_of(&name),
        value: Some((value, "")),
    };
    Ok(claims.into_iter().map(shown).collect())
}
