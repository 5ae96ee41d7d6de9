//! The state of a login and its one decision function.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::LoginCommand;
use super::error::LoginError;
use super::event::{Failed, LoginEvent, Succeeded};
use super::reason::Reason;
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::{ClientId, DeviceId, UserId};
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Who says that an attempt on a hosted page failed.
pub const HOSTED_PAGE: &str = "hosted_page";

/// Nothing yet, or an attempt that came to something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Login {
    Attempt(Box<Attempt>),
    #[default]
    None,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub client_id: ClientId,
    pub user_id: Option<UserId>,
    pub reference: Option<SealedIn>,
    pub device_id: Option<DeviceId>,
    pub outcome: Outcome,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Outcome {
    Succeeded { user_verified: bool },
    Failed { reason: Reason },
}

impl Login {
    pub fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Attempt(attempt) => Some(attempt),
            Self::None => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: LoginEvent) {
        let attempt = match event {
            // It is of the login that comes with it.
            LoginEvent::Proved { .. } => return,
            LoginEvent::Succeeded(succeeded) => Attempt {
                client_id: succeeded.client_id,
                user_id: Some(succeeded.user_id),
                reference: succeeded.reference.map(|value| SealedIn::new(LoginEvent::SUCCEEDED, value)),
                device_id: succeeded.device_id,
                outcome: Outcome::Succeeded { user_verified: succeeded.user_verified },
                at: succeeded.at,
            },
            LoginEvent::Failed(failed) => Attempt {
                client_id: failed.client_id,
                user_id: failed.user_id,
                reference: failed.reference.map(|value| SealedIn::new(LoginEvent::FAILED, value)),
                device_id: failed.device_id,
                outcome: Outcome::Failed { reason: failed.reason },
                at: failed.at,
            },
        };
        *self = Self::Attempt(Box::new(attempt));
    }
}

impl Decider for Login {
    type Order = LoginCommand;

    fn decide(&self, stamped: &Stamped<LoginCommand>) -> Result<Vec<LoginEvent>, LoginError> {
        let at = stamped.at;
        let success = |succeeded: &Succeeded| {
            (succeeded.client_id, LoginEvent::Succeeded(Box::new(Succeeded { at, ..succeeded.clone() })))
        };
        let (client_id, event) = match &stamped.command {
            LoginCommand::Succeed(succeeded) | LoginCommand::Prove { succeeded, .. } => success(succeeded),
            LoginCommand::Fail(failed) => {
                let failed = Failed { at, ..(**failed).clone() };
                (failed.client_id, LoginEvent::Failed(Box::new(failed)))
            }
        };
        match (self, &stamped.command) {
            _ if !may_say(&event, stamped.by, client_id) => Err(LoginError::NotTheClient),
            // No client says what a person signed.
            (_, LoginCommand::Prove { .. }) if !matches!(stamped.by, Actor::Recipient(_)) => {
                Err(LoginError::NotTheClient)
            }
            (Self::Attempt(_), _) => Err(LoginError::AlreadyOver),
            (Self::None, LoginCommand::Prove { until, .. }) if at >= *until => Err(LoginError::TooLate),
            (Self::None, LoginCommand::Prove { proof, .. }) => {
                Ok(vec![LoginEvent::Proved { proof: proof.clone(), at }, event])
            }
            (Self::None, LoginCommand::Succeed(_) | LoginCommand::Fail(_)) => Ok(vec![event]),
        }
    }
}

/// A client says what came of a login on its own pages. On a hosted page whoever logged in says so by themselves, as whom
/// the client knows; of an attempt that failed nobody knows whose it was.
fn may_say(event: &LoginEvent, by: Actor, client_id: ClientId) -> bool {
    match (by, event) {
        (Actor::Client(client), _) => client == client_id,
        (Actor::Recipient(user), LoginEvent::Succeeded(succeeded)) => {
            succeeded.user_id == user && succeeded.reference.is_none()
        }
        (Actor::System(name), LoginEvent::Failed(failed)) => {
            name == HOSTED_PAGE && failed.reference.is_none()
        }
        (Actor::Recipient(_) | Actor::System(_) | Actor::Person(_), _) => false,
    }
}

aggregate!(Login, "fido", LoginCommand, LoginEvent, LoginError);
