//! An enrollment as its recipient goes through it.
//!
//! ```text
//! show ─ ask ─→ enter ─ decide ─→ show ─ begin, finish ─→ show …
//!                                  └─ recover ─→ show
//! ```
//!
//! Promises: nothing but a proof of the handle leads to the passkey step, and the proof is this browser's; the page
//! is the same for known and unknown people until then.

pub mod code;
mod outcome;
pub mod passkey;
pub mod recover;
pub mod show;

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::{Client, Status as ClientStatus};
use mobid_domain::enrollment::{EnrollmentError, Session, Status};
use mobid_domain::handle::Handle;
use mobid_domain::id::EnrollmentId;
use mobid_domain::qr::Target;
use mobid_projections::enrollment::query as enrollments;

use super::browser::BrowserSession;
use super::caps::{self, Counted};
use super::error::PageError;
use super::language;
use super::post::Posted;
use super::qr::{Via, record_scan};
use super::view::Hidden;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::proof;
use crate::event_store::ExecuteError;
use crate::http::request_id;
use crate::person::Occasion;
use crate::person::enrolling::Step;
use crate::person::recipient::Addressee;
use crate::vault::{DataKey, SealError, Subject};
use crate::words::Words;

/// An enrollment at the moment somebody came to it.
pub struct Visit {
    pub id: EnrollmentId,
    pub sequence: i64,
    pub session: Session,
    /// As the owner set it.
    pub client: String,
    client_is_active: bool,
    pub recipient: Handle,
    pub key: DataKey,
    pub occasion: Occasion,
    /// How somebody got here, as long as they have done nothing.
    pub via: Option<Via>,
    pub words: &'static Words,
}

impl Visit {
    pub async fn load(app: &App, id: EnrollmentId) -> Result<Self, PageError> {
        let folded = enrollments::find(&app.pool, id, None).await?.ok_or(PageError::NotFound)?;
        let session = folded.state.session().cloned().ok_or(PageError::NotFound)?;
        let request = &session.request;
        let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
        let key = key.ok_or(PageError::Erased)?;
        let recipient = key
            .open_text_in(request.client_id, &id.to_string(), "recipient", &request.recipient)?
            .parse()
            .map_err(|_| SealError::Malformed)?;
        let client = app.store.load::<Client>(&request.client_id.to_string()).await?.state;
        let account = client.account().ok_or(PageError::NotFound)?;
        let (client, client_is_active) = (account.name.clone(), account.status == ClientStatus::Active);
        let occasion = Occasion {
            at: app.clock.now(),
            request_id: request_id::current(),
            lang: language::current().lang,
        };
        let (sequence, words) = (folded.sequence, language::asked_for(None));
        Ok(Self {
            id,
            sequence,
            session,
            client,
            client_is_active,
            recipient,
            key,
            occasion,
            via: None,
            words,
        })
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    pub fn status(&self) -> Status {
        self.session.status_at(self.now())
    }

    /// Whether anything can still be done; the rules have the last word.
    fn is_open(&self) -> Result<(), PageError> {
        match () {
            () if !self.status().is_open() => Err(PageError::Ended(self.id.into())),
            () if !self.client_is_active => Err(PageError::ClientShutOut),
            () => Ok(()),
        }
    }

    /// Whether this browser proved the handle a while ago, for this enrollment.
    async fn is_proven(&self, app: &App, browser: &BrowserSession) -> Result<bool, PageError> {
        self.holds(app, browser, &self.id.to_string()).await
    }

    async fn holds(&self, app: &App, browser: &BrowserSession, proved: &str) -> Result<bool, PageError> {
        let (session, user) = (browser.hash(app.vault.master()), self.session.request.user_id);
        Ok(proof::holds(&app.pool, session, proved, user, self.now()).await?)
    }

    /// Whom the client addressed.
    fn addressee(&self) -> Addressee<'_> {
        let request = &self.session.request;
        Addressee { client: request.client_id, handle: &self.recipient, user: request.user_id }
    }

    /// Whether what the client says of whom it addressed is for whoever proved the handle by a code: not where whoever
    /// has the handle has a passkey, nor where somebody began anew with it since.
    async fn tells_by_code(&self, app: &App) -> Result<bool, PageError> {
        Ok(self.addressee().is_reached(app).await? && !self.addressee().has_passkey(app).await?)
    }

    /// What a browser proved in which a passkey completed this.
    fn completion(&self) -> String {
        format!("{}/completed", self.id)
    }

    fn step(&self) -> Step<'_> {
        Step { id: self.id, session: &self.session, handle: &self.recipient, occasion: &self.occasion }
    }

    fn hidden(&self, app: &App, browser: &BrowserSession) -> Hidden {
        let resource = self.id.to_string();
        Hidden { csrf: browser.csrf(app.vault.master(), &resource), sequence: self.sequence, resource }
    }

    /// Where the answer to a form leads.
    fn path(&self) -> String {
        format!("/r/{}", self.id)
    }

    /// Records that a QR code led here: that somebody acts says so, a link preview does not.
    async fn scan(&self, app: &App, via: Option<Via>) -> Result<(), PageError> {
        let Some(Via::Code(code)) = via else { return Ok(()) };
        let context = self.occasion.by(self.session.request.client_id, Actor::System("hosted_page"));
        record_scan(app, code, Target::Enrollment(self.id), &context).await
    }

    async fn count(&self, app: &App, of: Use, posted: &Posted) -> Result<(), PageError> {
        let counted = Counted {
            resource: self.id.into(),
            handle: &self.recipient,
            client: self.session.request.client_id,
            address: posted.address,
            now: self.now(),
        };
        caps::check(app, of, counted).await
    }

    fn refused(&self, error: ExecuteError<EnrollmentError>) -> PageError {
        match error {
            ExecuteError::Stale { .. } | ExecuteError::Contended => PageError::Changed(self.id.into()),
            ExecuteError::Refused(
                EnrollmentError::AlreadyClosed(_)
                | EnrollmentError::WrongStatus(_)
                | EnrollmentError::AnotherDevice,
            ) => PageError::Ended(self.id.into()),
            error => PageError::internal(&error),
        }
    }
}
