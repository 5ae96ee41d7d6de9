//! A login by QR code, as whoever scanned it goes through it.
//!
//! ```text
//! show ─ number ─→ show ─ begin, finish ─→ show
//!   └──── decline ──┴────────────────────→ show
//! ```
//!
//! Promises: nobody logs in who does not enter the number that stands beside the code, in the browser that then asks for
//! the passkey; every number counts, whichever browser and instance it comes by; no code and nothing but a passkey of the
//! hosted pages logs anybody in; the pages say nothing of anybody, and the same to everybody. They cannot tell a page that
//! shows somebody else's code together with its number: that is why they say whom one would log in to, and when to stop.

pub mod number;
mod outcome;
pub mod passkey;
pub mod show;

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::{Client, Status as ClientStatus};
use mobid_domain::fido::{HOSTED_PAGE, Login, Outcome};
use mobid_domain::id::{LoginId, QrId, UserId};
use mobid_domain::qr::{Code, CodeCommand, CodeError, EndReason, Generation, Target};

use super::browser::BrowserSession;
use super::error::PageError;
use super::language;
use super::post::Posted;
use super::view::Hidden;
use crate::app::App;
use crate::ephemeral::cap::{self, Subjects, Use};
use crate::ephemeral::proof;
use crate::event_store::{CommandContext, ExecuteError, Executed, Terms};
use crate::http::request_id;
use crate::matching_number;
use crate::person::Occasion;
use crate::person::login::{Text, Wanted};
use crate::words::Words;
use crate::words::logins::LoginWords;

/// A login at the moment somebody came to it.
pub struct Visit {
    pub code: QrId,
    pub login: LoginId,
    pub sequence: i64,
    pub generation: Generation,
    pub standing: Standing,
    /// As the owner set it.
    pub client: String,
    client_is_active: bool,
    pub number: String,
    pub occasion: Occasion,
    pub words: &'static Words,
}

/// Where a login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    /// Somebody has logged in.
    Used {
        at: DateTime<Utc>,
    },
    Ended {
        reason: EndReason,
        at: DateTime<Utc>,
    },
    Expired,
}

impl Standing {
    fn of(generation: &Generation, login: &Login, now: DateTime<Utc>) -> Self {
        let attempt = login.attempt();
        let succeeded = attempt.filter(|attempt| matches!(attempt.outcome, Outcome::Succeeded { .. }));
        match (succeeded, generation.ended) {
            (Some(attempt), _) => Self::Used { at: attempt.at },
            (None, Some(end)) => Self::Ended { reason: end.reason, at: end.at },
            (None, None) if now >= generation.expires_at => Self::Expired,
            (None, None) => Self::Open,
        }
    }
}

impl Visit {
    pub async fn load(app: &App, code: QrId) -> Result<Self, PageError> {
        let loaded = app.store.load::<Code>(&code.to_string()).await?;
        let generation = loaded.state.generation().cloned().ok_or(PageError::NotFound)?;
        let Target::Login(login) = generation.target else { return Err(PageError::NotFound) };
        let attempt = app.store.load::<Login>(&login.to_string()).await?.state;
        let client = app.store.load::<Client>(&generation.client_id.to_string()).await?.state;
        let account = client.account().ok_or(PageError::NotFound)?;
        let (client, client_is_active) = (account.name.clone(), account.status == ClientStatus::Active);
        let occasion = Occasion {
            at: app.clock.now(),
            request_id: request_id::current(),
            lang: language::current().lang,
        };
        let standing = Standing::of(&generation, &attempt, occasion.at);
        let number = matching_number::of(app.vault.master(), code);
        let (sequence, words) = (loaded.sequence, language::asked_for(None));
        Ok(Self {
            code,
            login,
            sequence,
            generation,
            standing,
            client,
            client_is_active,
            number,
            occasion,
            words,
        })
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    fn logins(&self) -> &'static LoginWords {
        self.words.logins()
    }

    fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }

    /// A client that was shut out gets nobody's login.
    fn client_is_there(&self) -> Result<(), PageError> {
        if self.client_is_active { Ok(()) } else { Err(PageError::ClientShutOut) }
    }

    /// Whether the right number was entered in this browser a while ago.
    async fn is_matched(&self, app: &App, browser: &BrowserSession) -> Result<bool, PageError> {
        self.holds(app, browser, &self.code.to_string()).await
    }

    /// Whether this is the browser that logged in.
    async fn is_done_here(&self, app: &App, browser: &BrowserSession) -> Result<bool, PageError> {
        self.holds(app, browser, &self.login.to_string()).await
    }

    async fn holds(&self, app: &App, browser: &BrowserSession, what: &str) -> Result<bool, PageError> {
        let session = browser.hash(app.vault.master());
        Ok(proof::holds(&app.pool, session, what, self.nobody(), self.now()).await?)
    }

    /// Gives the browser a new session, which holds what was just shown.
    async fn prove(
        &self,
        app: &App,
        browser: &BrowserSession,
        what: &str,
    ) -> Result<BrowserSession, PageError> {
        let (old, fresh) = (browser.hash(app.vault.master()), BrowserSession::random());
        let new = fresh.hash(app.vault.master());
        proof::record(&app.pool, (old, new), what, self.nobody(), self.now()).await?;
        Ok(fresh)
    }

    /// Whose proof it is: of a login nobody knows who it will be, so it is the login's own.
    fn nobody(&self) -> UserId {
        UserId(self.login.0)
    }

    /// What somebody does on the page who may be anybody.
    async fn execute(
        &self,
        app: &App,
        command: CodeCommand,
        terms: Terms<'_, Code>,
    ) -> Result<Executed<Code>, ExecuteError<CodeError>> {
        app.store.execute::<Code>(&self.code.to_string(), command, &self.by_page(), terms).await
    }

    fn by_page(&self) -> CommandContext {
        self.occasion.by(self.generation.client_id, Actor::System(HOSTED_PAGE))
    }

    fn text(&self) -> Text<'_> {
        Text {
            action: "login",
            code: self.code,
            login: self.login,
            client_id: self.generation.client_id,
            client_name: &self.client,
            matching_number: &self.number,
            expires_at: self.generation.expires_at,
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        let client = self.generation.client_id;
        let until = self.generation.expires_at;
        Wanted { code: self.code, login: self.login, client, until, occasion: &self.occasion }
    }

    /// Counts numbers and passkeys; refuses one too many. There is no handle that could be asked for.
    async fn count(&self, app: &App, of: Use, posted: &Posted) -> Result<(), PageError> {
        let (code, client) = (self.code.to_string(), self.generation.client_id.to_string());
        let subjects = Subjects { resource: &code, handle: &code, address: posted.address, client: &client };
        match cap::count(&app.pool, app.vault.master(), of, &subjects, self.now()).await? {
            Some(capped) => {
                Err(PageError::Capped { resource: self.code.into(), now: self.now(), until: capped.until })
            }
            None => Ok(()),
        }
    }

    fn hidden(&self, app: &App, browser: &BrowserSession) -> Hidden {
        let resource = self.code.to_string();
        Hidden { csrf: browser.csrf(app.vault.master(), &resource), sequence: self.sequence, resource }
    }

    /// Where the answer to a form leads.
    fn path(&self) -> String {
        format!("/r/{}", self.code)
    }
}
