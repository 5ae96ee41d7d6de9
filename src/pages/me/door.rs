//! Who is at the door: a stranger, somebody whose code is not enough, or the person.
//!
//! A session is asked of the database, and whether it still holds of the log: a passkey that is dropped on another
//! instance, by whatever page, ends every session of its person with the next look.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::handle::Handle;
use mobid_domain::id::{PasskeyId, PersonId};
use mobid_domain::person::{Person, Record, TENANT};

use super::HOME;
use super::refusal::Refusal;
use crate::app::App;
use crate::ephemeral::session::{self, PersonSession};
use crate::http::request_id;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::language;
use crate::pages::view::see_other;
use crate::person::Occasion;
use crate::vault::{DataKey, SealError, Subject};
use crate::words::Words;

/// How long ago a proof may be for what cannot be undone.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// What the forms of these pages are about.
const FORMS: &str = "me";

/// Somebody who signed in, as of now.
pub struct Signed {
    pub browser: BrowserSession,
    pub session: PersonSession,
    pub record: Record,
    pub key: DataKey,
    /// The one that they hold; none if it leads to somebody else by now.
    pub handle: Option<Handle>,
    pub occasion: Occasion,
    pub words: &'static Words,
}

pub enum Who {
    Stranger,
    /// They proved the handle of somebody who has a passkey: so they see nothing.
    ByCodeAlone(Box<Signed>),
    Person(Box<Signed>),
}

pub async fn who(app: &App, browser: Option<&BrowserSession>) -> Result<Who, PageError> {
    let Some(browser) = browser else { return Ok(Who::Stranger) };
    let hash = browser.hash(app.vault.master());
    let Some(session) = session::look(&app.pool, hash, app.clock.now()).await? else {
        return Ok(Who::Stranger);
    };
    let Some(signed) = signed(app, browser, session).await? else {
        session::end(&app.pool, hash).await?;
        return Ok(Who::Stranger);
    };
    let by_code = signed.session.passkey.is_none();
    let signed = Box::new(signed);
    let needs_passkey = by_code && signed.record.active().next().is_some();
    Ok(if needs_passkey { Who::ByCodeAlone(signed) } else { Who::Person(signed) })
}

/// The person, or nobody.
pub async fn person(app: &App, browser: &BrowserSession) -> Result<Box<Signed>, PageError> {
    match who(app, Some(browser)).await? {
        Who::Person(signed) => Ok(signed),
        Who::Stranger | Who::ByCodeAlone(_) => Err(Refusal::SignedOut.into()),
    }
}

/// The same for who only looks: they are led to where one signs in.
pub async fn looking(app: &App, headers: &HeaderMap) -> Result<Result<Box<Signed>, Response>, PageError> {
    match who(app, BrowserSession::of_person(headers).as_ref()).await? {
        Who::Person(signed) => Ok(Ok(signed)),
        Who::Stranger | Who::ByCodeAlone(_) => Ok(Err(see_other(HOME))),
    }
}

async fn signed(
    app: &App,
    browser: &BrowserSession,
    session: PersonSession,
) -> Result<Option<Signed>, PageError> {
    let id = session.person.to_string();
    let Some(record) = app.store.newest::<Person>(&id).await?.state.record().cloned() else {
        return Ok(None);
    };
    let Some(key) = app.vault.key(TENANT, Subject::Own(session.person)).await? else { return Ok(None) };
    let holds = match session.passkey {
        Some(passkey) => record.active_passkey(passkey).is_some(),
        None => record.holds_handle(),
    };
    if !holds || dropped(&record) != session.dropped {
        return Ok(None);
    }
    let handle = if record.holds_handle() {
        let text = key.open_text_in(TENANT, &id, "handle", &record.holding.handle)?;
        Some(text.parse().map_err(|_| SealError::Malformed)?)
    } else {
        None
    };
    let occasion =
        Occasion { at: app.clock.now(), request_id: request_id::current(), lang: language::current().lang };
    let (browser, words) = (browser.clone(), language::current());
    Ok(Some(Signed { browser, session, record, key, handle, occasion, words }))
}

fn dropped(record: &Record) -> i32 {
    let dropped = record.passkeys.iter().filter(|passkey| passkey.dropped.is_some()).count();
    i32::try_from(dropped).unwrap_or(i32::MAX)
}

/// Signs somebody in under a cookie of its own: one that was planted before, or leaked, is worth nothing.
pub async fn open(
    app: &App,
    old: &BrowserSession,
    (person, passkey): (PersonId, Option<PasskeyId>),
    now: DateTime<Utc>,
) -> Result<Response, PageError> {
    let state = app.store.newest::<Person>(&person.to_string()).await?.state;
    let record = state.record().ok_or(PageError::NotFound)?;
    let session = PersonSession { person, passkey, dropped: dropped(record), proved_at: now };
    let (browser, master) = (BrowserSession::random(), app.vault.master());
    session::begin(&app.pool, (old.hash(master), browser.hash(master)), &session).await?;
    tracing::info!(%person, passkey = passkey.is_some(), "a person signed in");
    Ok(with_cookie(see_other(HOME), &browser))
}

/// The response, with a new session for the browser.
pub fn with_cookie(mut response: Response, browser: &BrowserSession) -> Response {
    if let Some(cookie) = browser.set_persons_cookie() {
        let headers: &mut HeaderMap<HeaderValue> = response.headers_mut();
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The token of this browser's forms.
pub fn csrf(app: &App, browser: &BrowserSession) -> String {
    browser.csrf(app.vault.master(), FORMS)
}

impl Signed {
    pub fn now(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    /// Whether they proved who they are a moment ago.
    pub fn is_fresh(&self) -> bool {
        self.now() - self.session.proved_at < FRESH
    }

    pub fn csrf(&self, app: &App) -> String {
        csrf(app, &self.browser)
    }

    pub fn masked(&self) -> Option<String> {
        self.handle.as_ref().map(Handle::masked)
    }
}
