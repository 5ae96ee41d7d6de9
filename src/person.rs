//! Persons of the hosted pages: who holds a handle, their passkeys, and what they are to clients.
//!
//! Promises: a handle has one holder at a time, decided by a claim in the log; a code on a handle whose holder has a
//! passkey gives nothing that is theirs; who begins anew inherits nothing; a passkey is good only as the log's newest
//! state has it. Leaves to others: proving a handle (pages), the rules (domain), verifying signatures (webauthn).

pub mod consents;
pub mod decision;
pub mod device;
pub mod enrolling;
pub mod holder;
pub mod login;
pub mod passkey;
pub mod recipient;
pub mod report;
mod told;
mod turns;

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::device::DeviceError;
use mobid_domain::fido::LoginError;
use mobid_domain::id::{ClientId, CommandId, PersonId};
use mobid_domain::person::{PersonError, TENANT};
use mobid_domain::report::ReportError;
use mobid_projections::projection::ApplyError;

use crate::event_store::{CommandContext, ExecuteError};
use crate::vault::{SealError, VaultError};
use crate::webauthn::{BeginError, NoRelyingParty};

/// When somebody asked for something, by which request.
#[derive(Debug, Clone)]
pub struct Occasion {
    pub at: DateTime<Utc>,
    pub request_id: String,
    /// In which language whoever is there is spoken to.
    pub lang: &'static str,
}

impl Occasion {
    /// A command on a person's own record.
    fn command(&self, person: PersonId) -> CommandContext {
        self.by(TENANT, Actor::Person(person))
    }

    /// A command that somebody gives about what is a client's.
    pub fn by(&self, tenant: ClientId, actor: Actor) -> CommandContext {
        CommandContext {
            at: self.at,
            tenant,
            actor,
            command_id: CommandId(crate::ids::new_id()),
            request_id: self.request_id.clone(),
            causation: None,
            key_id: None,
            permissions: vec![],
            trace_id: None,
        }
    }
}

/// What kept something from being found out or done, and is nobody's answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Log(#[from] ApplyError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0}")]
    Person(#[from] ExecuteError<PersonError>),
    #[error("{0}")]
    Device(ExecuteError<DeviceError>),
    #[error("{0}")]
    Login(ExecuteError<LoginError>),
    #[error("{0}")]
    Report(ExecuteError<ReportError>),
    #[error(transparent)]
    Ceremony(#[from] BeginError),
    #[error("the public URL's host cannot have passkeys: {0}")]
    NoRelyingParty(#[from] NoRelyingParty),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<SealError> for Trouble {
    fn from(error: SealError) -> Self {
        Self::Vault(error.into())
    }
}
