//! The state of a person's record and its one decision function.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::PersonCommand;
use super::error::PersonError;
use super::event::{DropReason, PersonEvent};
use super::{MAX_PASSKEYS, ReleaseReason};
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::{HoldingId, PasskeyId};
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nobody yet, or somebody's record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Person {
    Known(Box<Record>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub holding: Holding,
    pub passkeys: Vec<Passkey>,
}

/// A handle, from its proof on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    pub id: HoldingId,
    pub handle: SealedIn,
    pub since: DateTime<Utc>,
    pub released: Option<(ReleaseReason, DateTime<Utc>)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    pub id: PasskeyId,
    pub credential: SealedIn,
    /// As its last answer had it.
    pub counter: u32,
    pub backed_up: bool,
    pub added_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub dropped: Option<Dropped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub reason: DropReason,
    pub at: DateTime<Utc>,
}

impl Record {
    /// Those that still decide.
    pub fn active(&self) -> impl Iterator<Item = &Passkey> {
        self.passkeys.iter().filter(|passkey| passkey.dropped.is_none())
    }

    pub fn active_passkey(&self, id: PasskeyId) -> Option<&Passkey> {
        self.active().find(|passkey| passkey.id == id)
    }

    pub fn holds_handle(&self) -> bool {
        self.holding.released.is_none()
    }

    fn decide(&self, command: &PersonCommand, at: DateTime<Utc>) -> Result<Vec<PersonEvent>, PersonError> {
        match command {
            PersonCommand::VerifyHandle { .. } => Err(PersonError::AlreadyExists),
            PersonCommand::ReleaseHandle { reason } if self.holds_handle() => {
                Ok(vec![PersonEvent::HandleReleased { holding_id: self.holding.id, reason: *reason, at }])
            }
            PersonCommand::ReleaseHandle { .. } => Ok(vec![]),
            PersonCommand::AddPasskey { passkey_id, credential, counter, backed_up, with } => {
                self.may_add(*with)?;
                Ok(vec![PersonEvent::PasskeyAdded {
                    passkey_id: *passkey_id,
                    credential: credential.clone(),
                    counter: *counter,
                    backed_up: *backed_up,
                    at,
                }])
            }
            PersonCommand::UsePasskey { passkey_id, counter, backed_up } => {
                let known = self.active_passkey(*passkey_id).ok_or(PersonError::NoPasskey)?;
                Ok(vec![used(known, *counter, *backed_up, at)])
            }
            PersonCommand::DropPasskey { passkey_id, reason } => {
                let known = self.passkeys.iter().find(|passkey| passkey.id == *passkey_id);
                match known.ok_or(PersonError::NoPasskey)?.dropped {
                    Some(_) => Ok(vec![]),
                    None => {
                        Ok(vec![PersonEvent::PasskeyDropped { passkey_id: *passkey_id, reason: *reason, at }])
                    }
                }
            }
        }
    }

    fn may_add(&self, with: Option<PasskeyId>) -> Result<(), PersonError> {
        if !self.holds_handle() {
            return Err(PersonError::Released);
        }
        let proved = with.is_some_and(|with| self.active_passkey(with).is_some());
        match self.active().count() {
            // Whoever was let in by a passkey that has gone meanwhile is nobody any more.
            0 if with.is_none() => Ok(()),
            _ if !proved => Err(PersonError::PasskeyNeeded),
            MAX_PASSKEYS.. => Err(PersonError::TooManyPasskeys),
            _ => Ok(()),
        }
    }

    fn evolve(&mut self, event: PersonEvent) {
        match event {
            // It made the person, and comes once.
            PersonEvent::HandleVerified { .. } => {}
            PersonEvent::HandleReleased { reason, at, .. } => self.holding.released = Some((reason, at)),
            PersonEvent::PasskeyAdded { passkey_id, credential, counter, backed_up, at } => {
                self.passkeys.push(Passkey {
                    id: passkey_id,
                    credential: SealedIn::new(PersonEvent::PASSKEY_ADDED, credential),
                    counter,
                    backed_up,
                    added_at: at,
                    used_at: None,
                    dropped: None,
                });
            }
            PersonEvent::PasskeyUsed { passkey_id, counter, backed_up, at } => {
                for passkey in self.passkeys.iter_mut().filter(|passkey| passkey.id == passkey_id) {
                    (passkey.counter, passkey.backed_up, passkey.used_at) = (counter, backed_up, Some(at));
                }
            }
            PersonEvent::PasskeyDropped { passkey_id, reason, at } => {
                for passkey in self.passkeys.iter_mut().filter(|passkey| passkey.id == passkey_id) {
                    passkey.dropped = Some(Dropped { reason, at });
                }
            }
        }
    }
}

/// A counter that is kept has to go on (`WebAuthn` Level 3, 7.2, step 22); one that does not is the end of the passkey.
fn used(known: &Passkey, counter: u32, backed_up: bool, at: DateTime<Utc>) -> PersonEvent {
    let passkey_id = known.id;
    if (counter > 0 || known.counter > 0) && counter <= known.counter {
        PersonEvent::PasskeyDropped { passkey_id, reason: DropReason::CounterRegressed, at }
    } else {
        PersonEvent::PasskeyUsed { passkey_id, counter, backed_up, at }
    }
}

impl Person {
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Known(record) => Some(record),
            Self::Absent => None,
        }
    }

    /// Only copies: whatever is in the log happened.
    pub fn evolve(&mut self, event: PersonEvent) {
        match (self, event) {
            (Self::Known(record), event) => record.evolve(event),
            (absent @ Self::Absent, PersonEvent::HandleVerified { holding_id, handle, at }) => {
                let handle = SealedIn::new(PersonEvent::HANDLE_VERIFIED, handle);
                let holding = Holding { id: holding_id, handle, since: at, released: None };
                *absent = Self::Known(Box::new(Record { holding, passkeys: vec![] }));
            }
            (
                Self::Absent,
                PersonEvent::HandleReleased { .. }
                | PersonEvent::PasskeyAdded { .. }
                | PersonEvent::PasskeyUsed { .. }
                | PersonEvent::PasskeyDropped { .. },
            ) => {}
        }
    }
}

impl Decider for Person {
    type Order = PersonCommand;

    fn decide(&self, stamped: &Stamped<PersonCommand>) -> Result<Vec<PersonEvent>, PersonError> {
        // No API key speaks for a person.
        if !matches!(stamped.by, Actor::Person(_)) {
            return Err(PersonError::NotThePerson);
        }
        match (self, &stamped.command) {
            (Self::Absent, PersonCommand::VerifyHandle { holding_id, handle }) => {
                Ok(vec![PersonEvent::HandleVerified {
                    holding_id: *holding_id,
                    handle: handle.clone(),
                    at: stamped.at,
                }])
            }
            (Self::Absent, _) => Err(PersonError::NotFound),
            (Self::Known(record), command) => record.decide(command, stamped.at),
        }
    }
}

aggregate!(Person, "person", PersonCommand, PersonEvent, PersonError);
