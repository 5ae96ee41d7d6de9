//! `GET /me`: everything at a glance, or where one signs in.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use mobid_domain::consent::{Phase, RevokedBy, Session, Status};
use mobid_domain::fido::Reason;
use mobid_domain::id::{ClientId, ConsentId};
use mobid_projections::consent::apply;
use mobid_projections::consent::query::PageKey;
use mobid_projections::stream::reader;

use super::door::{self, Signed, Who};
use super::view::{Entry, OverviewPage};
use super::{add, passkeys, sign_in};
use crate::app::App;
use crate::http::cursor::Cursor;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::view::{Ceremony, Frame, Moment, render};
use crate::person::consents;
use crate::words::Words;

/// Consents on one page.
const PAGE: usize = 10;
/// How long it waits for what was acknowledged before.
const BARRIER: std::time::Duration = std::time::Duration::from_secs(2);

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let browser = BrowserSession::of_person(&headers);
    match door::who(&app, browser.as_ref()).await? {
        Who::Stranger => Ok(sign_in::door(&app, &headers)),
        Who::ByCodeAlone(signed) => Ok(sign_in::needs_passkey(&app, &signed, None)),
        Who::Person(signed) => page(&app, &signed, query.as_deref().and_then(before), None).await,
    }
}

/// Where an older page begins, as its address says.
fn before(query: &str) -> Option<PageKey> {
    let text = query.split('&').find_map(|pair| pair.strip_prefix("before="))?;
    let cursor = Cursor::decode(text)?;
    Some(PageKey { created_at: cursor.created_at()?, id: cursor.id })
}

/// The page, with what was wrong about a passkey that was to be added.
pub async fn page(
    app: &App,
    signed: &Signed,
    before: Option<PageKey>,
    problem: Option<Reason>,
) -> Result<Response, PageError> {
    let head = reader::head(&app.pool).await?;
    app.followers.wait_for(&app.pool, apply::NAME, head, BARRIER).await?;
    let known = consents::known_as(app, signed.session.person, signed.handle.as_ref()).await?;
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut keys = consents::page(app, &known, before.as_ref(), limit).await?;
    let more = keys.len() > PAGE;
    keys.truncate(PAGE);
    let mut entries = Vec::with_capacity(keys.len());
    for key in &keys {
        entries.extend(entry(app, signed, &key.id).await?);
    }
    let older = keys.last().filter(|_| more).map(|key| Cursor::after(key.created_at, &key.id).encode());
    let me = signed.words.me();
    let signed_in = match signed.masked() {
        Some(masked) => (me.signed_in_as)(&masked),
        None => me.signed_in_formerly.to_owned(),
    };
    let page = OverviewPage {
        frame: Frame { words: signed.words, title: me.title.to_owned(), error: problem.is_some() },
        csrf: signed.csrf(app),
        me,
        signed_in,
        by_code: signed.session.passkey.is_none(),
        entries,
        further: before.is_some(),
        older: older.map(|cursor| format!("/me?before={cursor}")),
        passkeys: passkeys::entries(signed)?,
        add: add::is_possible(app, signed).then(|| Ceremony::new(signed.words.passkeys(), me.add_button)),
        problem: problem.map(signed.words.passkeys().not_taken),
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(render(status, &page))
}

/// As it stands now, however far the list is.
async fn entry(app: &App, signed: &Signed, id: &str) -> Result<Option<Entry>, PageError> {
    let Ok(consent) = id.parse::<ConsentId>() else { return Ok(None) };
    let Some(folded) = app.current.consent(consent).await? else { return Ok(None) };
    let Some(session) = folded.state.session() else { return Ok(None) };
    let (words, now) = (signed.words, signed.now());
    let status = session.status_at(now);
    let fields: Vec<_> = session.request.scope.iter().map(|slug| words.field_of(slug.as_str())).collect();
    let (term, at) = changed(words, session, now);
    Ok(Some(Entry {
        href: format!("/me/consents/{id}"),
        client: client_name(app, session.request.client_id).await?,
        status: (words.me().status)(status),
        tone: tone(status),
        purpose: words.purpose_of(session.request.purpose.as_str()),
        fields: if fields.is_empty() { words.me().asks_for_nothing.to_owned() } else { fields.join(", ") },
        when: (term, Moment::new(words, at)),
    }))
}

pub async fn client_name(app: &App, id: ClientId) -> Result<String, PageError> {
    let client = app.store.newest::<mobid_domain::client::Client>(&id.to_string()).await?.state;
    Ok(client.account().map(|account| account.name.clone()).unwrap_or_default())
}

/// What colour goes with it.
pub fn tone(status: Status) -> &'static str {
    match status {
        Status::Pending => "open",
        Status::Approved => "good",
        Status::Rejected | Status::Expired | Status::Revoked => "over",
    }
}

/// What happened last, or will, and when.
fn changed(words: &Words, session: &Session, now: DateTime<Utc>) -> (&'static str, DateTime<Utc>) {
    let until = session.request.expires_at;
    match &session.phase {
        Phase::Pending if now < until => (words.until_term, until),
        Phase::Pending | Phase::Expired { .. } => (words.expired_term, until),
        Phase::Approved(approval) => (words.approved_term, approval.at),
        Phase::Rejected { at, .. } => (words.rejected_term, *at),
        Phase::Revoked { by: RevokedBy::Client, at, .. } => (words.taken_back_term, *at),
        Phase::Revoked { by: RevokedBy::Recipient, at, .. } => (words.withdrawn_term, *at),
    }
}
