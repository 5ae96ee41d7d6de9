//! A consent as its recipient sees and answers it.
//!
//! ```text
//! show ─ ask ─→ enter ─ decide ─→ show
//!          ↑      │
//!          └again─┘
//! ```

pub mod ask;
pub mod decide;
pub mod enter;
pub mod grant;
pub(super) mod outcome;
pub mod passkey;
pub mod show;

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::{Client, Status as ClientStatus};
use mobid_domain::consent::{ConsentError, RequireAssurance, Session, Status};
use mobid_domain::handle::Handle;
use mobid_domain::id::{CommandId, ConsentId};

use super::browser::BrowserSession;
use super::error::PageError;
use super::language;
use super::view::Hidden;
use crate::app::App;
use crate::ephemeral::code::Action;
use crate::event_store::{CommandContext, ExecuteError};
use crate::http::request_id;
use crate::person::recipient::Addressee;
use crate::vault::{DataKey, SealError, Subject};
use crate::words::Words;

/// A consent at the moment somebody came to it.
pub struct Visit {
    pub id: ConsentId,
    pub sequence: i64,
    pub session: Session,
    /// As the owner set it.
    pub client: String,
    client_is_active: bool,
    pub recipient: Handle,
    pub key: DataKey,
    pub now: DateTime<Utc>,
    pub words: &'static Words,
}

/// What a code that came back is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByCode {
    /// Who entered it is the recipient, and may see what is theirs.
    Proves,
    /// Whoever has the handle has a passkey: nothing is shown for a code.
    OnlyTakesBack,
}

impl Visit {
    pub async fn load(app: &App, id: ConsentId) -> Result<Self, PageError> {
        let resource = &id.to_string();
        let folded = app.current.consent(id).await?.ok_or(PageError::NotFound)?;
        let session = folded.state.session().cloned().ok_or(PageError::NotFound)?;
        let request = &session.request;
        let words = language::asked_for(request.locale.as_deref());
        let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
        let key = key.ok_or(PageError::Erased)?;
        let recipient = key
            .open_text_in(request.client_id, resource, "recipient", &request.recipient)?
            .parse()
            .map_err(|_| SealError::Malformed)?;
        let client = app.store.load::<Client>(&request.client_id.to_string()).await?.state;
        let account = client.account().ok_or(PageError::NotFound)?;
        let (client, client_is_active) = (account.name.clone(), account.status == ClientStatus::Active);
        let now = app.clock.now();
        let sequence = folded.sequence;
        Ok(Self { id, sequence, session, client, client_is_active, recipient, key, now, words })
    }

    pub fn status(&self) -> Status {
        self.session.status_at(self.now)
    }

    pub(super) fn passkey_demanded(&self) -> bool {
        self.session.request.require_assurance == RequireAssurance::Passkey
    }

    /// Whether an action can be begun with a code; the rules have the last word when it is decided.
    pub(super) fn allows(&self, action: Action) -> Result<(), PageError> {
        self.fits(action)?;
        if self.passkey_demanded() && action != Action::View {
            return Err(PageError::PasskeyDemanded(self.id.into()));
        }
        Ok(())
    }

    /// Whether an action can be begun at all.
    pub(super) fn fits(&self, action: Action) -> Result<(), PageError> {
        let fits = match action {
            Action::Approve | Action::Reject => self.status() == Status::Pending,
            Action::Withdraw | Action::View => self.status() == Status::Approved,
            Action::Enroll => false,
        };
        match () {
            () if !fits => Err(PageError::Ended(self.id.into())),
            () if action == Action::Approve && !self.client_is_active => Err(PageError::ClientShutOut),
            () => Ok(()),
        }
    }

    /// Whom the client addressed.
    pub(super) fn addressee(&self) -> Addressee<'_> {
        let request = &self.session.request;
        Addressee { client: request.client_id, handle: &self.recipient, user: request.user_id }
    }

    /// Whether a code is enough, once it has come back: it is not, for what is somebody's who has a passkey, nor for what
    /// was addressed to whoever had the handle before. Taking something back is always possible, and there it proves no
    /// more than that.
    pub(super) async fn accepts_code(&self, app: &App, action: Action) -> Result<ByCode, PageError> {
        if !self.addressee().is_reached(app).await? {
            return Err(PageError::Moved);
        }
        match action {
            _ if !self.addressee().has_passkey(app).await? => Ok(ByCode::Proves),
            Action::Reject | Action::Withdraw => Ok(ByCode::OnlyTakesBack),
            Action::Approve | Action::View | Action::Enroll => Err(PageError::PasskeyThere(self.id.into())),
        }
    }

    fn hidden(&self, app: &App, browser: &BrowserSession) -> Hidden {
        let resource = self.id.to_string();
        Hidden { csrf: browser.csrf(app.vault.master(), &resource), sequence: self.sequence, resource }
    }

    /// Where the answer to a form leads.
    fn path(&self) -> String {
        format!("/r/{}", self.id)
    }

    /// A command that comes with this request.
    pub(super) fn command(&self, actor: Actor) -> CommandContext {
        CommandContext {
            at: self.now,
            tenant: self.session.request.client_id,
            actor,
            command_id: CommandId(crate::ids::new_id()),
            request_id: request_id::current(),
            causation: None,
            key_id: None,
            permissions: vec![],
            trace_id: None,
        }
    }

    fn refused(&self, error: ExecuteError<ConsentError>) -> PageError {
        match error {
            ExecuteError::Stale { .. } | ExecuteError::Contended => PageError::Changed(self.id.into()),
            ExecuteError::Refused(reason) => match reason {
                ConsentError::AlreadyClosed(_) | ConsentError::WrongStatus(_) => {
                    PageError::Ended(self.id.into())
                }
                ConsentError::ScopeNotAsked => PageError::Changed(self.id.into()),
                ConsentError::PasskeyRequired => PageError::PasskeyDemanded(self.id.into()),
                ConsentError::NotFound => PageError::NotFound,
                ConsentError::AlreadyExists | ConsentError::NotTheRecipient | ConsentError::NotTheClient => {
                    PageError::internal(&reason)
                }
            },
            error => PageError::internal(&error),
        }
    }
}
