//! A consent's one decision function, and how its state follows from events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::{ConsentCommand, Update};
use super::error::ConsentError;
use super::event::{
    Assurance, AssuranceMethod, ConsentEvent, Created, ProvedAction, RequireAssurance, RevokedBy, Updated,
};
use super::session::{Approval, Phase, Request, Session};
use super::status::Status;
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::proof::Proof;
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or a session in one of its phases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "Option<Box<Session>>")]
pub enum Consent {
    Session(Box<Session>),
    #[default]
    Absent,
}

impl Session {
    fn open(&self, now: DateTime<Utc>) -> Result<(), ConsentError> {
        match self.status_at(now) {
            Status::Pending => Ok(()),
            status => Err(ConsentError::AlreadyClosed(status)),
        }
    }

    fn decide(&self, stamped: &Stamped<ConsentCommand>) -> Result<Vec<ConsentEvent>, ConsentError> {
        let at = stamped.at;
        match &stamped.command {
            ConsentCommand::Create(_) => Err(ConsentError::AlreadyExists),
            ConsentCommand::Update(update) => {
                self.by_client(stamped.by)?;
                self.open(at)?;
                Ok(self.update(update, at))
            }
            ConsentCommand::Scan => {
                self.open(at)?;
                Ok(if self.scanned_at.is_some() { vec![] } else { vec![ConsentEvent::Scanned { at }] })
            }
            ConsentCommand::Approve { granted_scope, claims, assurance } => {
                self.by_recipient(stamped.by, assurance)?;
                self.open(at)?;
                if granted_scope.iter().any(|field| !self.request.scope.contains(field)) {
                    return Err(ConsentError::ScopeNotAsked);
                }
                Ok(vec![ConsentEvent::Approved {
                    granted_scope: granted_scope.clone(),
                    claims: claims.clone(),
                    assurance: assurance.clone(),
                    at,
                }])
            }
            ConsentCommand::Reject { assurance } => {
                self.by_recipient(stamped.by, assurance)?;
                self.open(at)?;
                Ok(vec![ConsentEvent::Rejected { assurance: assurance.clone(), at }])
            }
            ConsentCommand::Revoke => {
                self.by_client(stamped.by)?;
                match self.status_at(at) {
                    Status::Pending | Status::Approved => {
                        Ok(vec![ConsentEvent::Revoked { by: RevokedBy::Client, at }])
                    }
                    status => Err(ConsentError::AlreadyClosed(status)),
                }
            }
            ConsentCommand::Withdraw { assurance } => {
                self.by_recipient(stamped.by, assurance)?;
                match self.status_at(at) {
                    Status::Approved => Ok(vec![ConsentEvent::Revoked { by: RevokedBy::Recipient, at }]),
                    Status::Pending => Err(ConsentError::WrongStatus(Status::Pending)),
                    status => Err(ConsentError::AlreadyClosed(status)),
                }
            }
            ConsentCommand::Prove { proof, decision } => self.prove(stamped, proof, decision),
            ConsentCommand::Expire => Ok(match self.phase {
                Phase::Pending if at >= self.request.expires_at => {
                    vec![ConsentEvent::Expired { at: self.request.expires_at }]
                }
                // Too early, or decided meanwhile: the scheduler may come when it likes.
                _ => vec![],
            }),
        }
    }

    /// What a passkey signed goes with what it decided, or not at all.
    fn prove(
        &self,
        stamped: &Stamped<ConsentCommand>,
        proof: &Proof,
        decision: &ConsentCommand,
    ) -> Result<Vec<ConsentEvent>, ConsentError> {
        let (action, assurance) = match decision {
            ConsentCommand::Approve { assurance, .. } => (ProvedAction::Approve, assurance),
            ConsentCommand::Reject { assurance } => (ProvedAction::Reject, assurance),
            ConsentCommand::Withdraw { assurance } => (ProvedAction::Withdraw, assurance),
            _ => return Err(ConsentError::NotTheRecipient),
        };
        if assurance.method != AssuranceMethod::Passkey {
            return Err(ConsentError::PasskeyRequired);
        }
        let (at, by) = (stamped.at, stamped.by);
        let decided = self.decide(&Stamped { at, by, command: decision.clone() })?;
        let proof = Box::new(proof.clone());
        Ok(std::iter::once(ConsentEvent::Proved { action, proof, at }).chain(decided).collect())
    }

    fn by_client(&self, by: Actor) -> Result<(), ConsentError> {
        if by == Actor::Client(self.request.client_id) { Ok(()) } else { Err(ConsentError::NotTheClient) }
    }

    fn by_recipient(&self, by: Actor, assurance: &Assurance) -> Result<(), ConsentError> {
        if by != Actor::Recipient(self.request.user_id) {
            return Err(ConsentError::NotTheRecipient);
        }
        match (self.request.require_assurance, assurance.method) {
            (RequireAssurance::Passkey, AssuranceMethod::OneTimeCode) => Err(ConsentError::PasskeyRequired),
            _ => Ok(()),
        }
    }

    /// Sealed values cannot be compared, so a present one always counts as changed.
    fn update(&self, update: &Update, at: DateTime<Utc>) -> Vec<ConsentEvent> {
        let changed = Updated {
            purpose: update.purpose.clone().filter(|purpose| *purpose != self.request.purpose),
            scope: update.scope.clone().filter(|scope| *scope != self.request.scope),
            callback_url: update
                .callback_url
                .clone()
                .filter(|url| url.is_some() || self.request.callback_url.is_some()),
            metadata: update
                .metadata
                .clone()
                .filter(|data| data.is_some() || self.request.metadata.is_some()),
            expires_at: update.expires_at.filter(|expires_at| *expires_at != self.request.expires_at),
            at,
        };
        let nothing =
            Updated { purpose: None, scope: None, callback_url: None, metadata: None, expires_at: None, at };
        if changed == nothing { vec![] } else { vec![ConsentEvent::Updated(Box::new(changed))] }
    }

    fn evolve(&mut self, event: ConsentEvent) {
        self.updated_at = event.at();
        match event {
            ConsentEvent::Created(created) => *self = Self::created(*created),
            ConsentEvent::Updated(updated) => self.updated(*updated),
            ConsentEvent::Scanned { at } => self.scanned_at = Some(at),
            ConsentEvent::Approved { granted_scope, claims, assurance, at } => {
                let claims = claims.map(|sealed| SealedIn::new(ConsentEvent::APPROVED, sealed));
                self.phase = Phase::Approved(Approval { granted_scope, claims, assurance, at });
            }
            // For whoever asks for evidence: the state needs none of it.
            ConsentEvent::Proved { .. } => {}
            ConsentEvent::Rejected { assurance, at } => self.phase = Phase::Rejected { assurance, at },
            ConsentEvent::Revoked { by, at } => {
                let approval = self.approval().cloned().map(|approval| Approval { claims: None, ..approval });
                self.phase = Phase::Revoked { by, approval, at };
            }
            ConsentEvent::Expired { at } => self.phase = Phase::Expired { at },
        }
    }

    fn created(created: Created) -> Self {
        let sealed = |value| SealedIn::new(ConsentEvent::CREATED, value);
        Self {
            request: Request {
                client_id: created.client_id,
                user_id: created.user_id,
                recipient: sealed(created.recipient),
                purpose: created.purpose,
                scope: created.scope,
                callback_url: created.callback_url.map(sealed),
                return_url: created.return_url.map(sealed),
                metadata: created.metadata.map(sealed),
                require_assurance: created.require_assurance,
                notify: created.notify,
                locale: created.locale,
                expires_at: created.expires_at,
            },
            phase: Phase::Pending,
            created_at: created.at,
            updated_at: created.at,
            scanned_at: None,
        }
    }

    fn updated(&mut self, updated: Updated) {
        let sealed = |value| SealedIn::new(ConsentEvent::UPDATED, value);
        let request = &mut self.request;
        if let Some(purpose) = updated.purpose {
            request.purpose = purpose;
        }
        if let Some(scope) = updated.scope {
            request.scope = scope;
        }
        if let Some(callback_url) = updated.callback_url {
            request.callback_url = callback_url.map(sealed);
        }
        if let Some(metadata) = updated.metadata {
            request.metadata = metadata.map(sealed);
        }
        if let Some(expires_at) = updated.expires_at {
            request.expires_at = expires_at;
        }
    }
}

/// Absent is null. Read so, a state needs no tree of its JSON, as trying one variant after the other would.
impl From<Option<Box<Session>>> for Consent {
    fn from(session: Option<Box<Session>>) -> Self {
        session.map_or(Self::Absent, Self::Session)
    }
}

impl Consent {
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Absent => None,
        }
    }

    /// As it is to be shown once it was revoked, whatever moment is asked for.
    pub fn forget_claims(&mut self) {
        if let Self::Session(session) = self
            && let Phase::Approved(approval) = &mut session.phase
        {
            approval.claims = None;
        }
    }

    /// Only copies: whatever is in the log happened.
    pub fn evolve(&mut self, event: ConsentEvent) {
        match (self, event) {
            (Self::Session(session), event) => session.evolve(event),
            (absent @ Self::Absent, ConsentEvent::Created(created)) => {
                *absent = Self::Session(Box::new(Session::created(*created)));
            }
            (
                Self::Absent,
                ConsentEvent::Updated(_)
                | ConsentEvent::Scanned { .. }
                | ConsentEvent::Approved { .. }
                | ConsentEvent::Proved { .. }
                | ConsentEvent::Rejected { .. }
                | ConsentEvent::Revoked { .. }
                | ConsentEvent::Expired { .. },
            ) => {}
        }
    }
}

impl Decider for Consent {
    type Order = ConsentCommand;

    fn decide(&self, stamped: &Stamped<ConsentCommand>) -> Result<Vec<ConsentEvent>, ConsentError> {
        match (self, &stamped.command) {
            (Self::Absent, ConsentCommand::Create(create)) => {
                if stamped.by != Actor::Client(create.client_id) {
                    return Err(ConsentError::NotTheClient);
                }
                let created = Created { at: stamped.at, ..(**create).clone() };
                Ok(vec![ConsentEvent::Created(Box::new(created))])
            }
            (Self::Absent, _) => Err(ConsentError::NotFound),
            (Self::Session(session), _) => session.decide(stamped),
        }
    }
}

aggregate!(Consent, "consent", ConsentCommand, ConsentEvent, ConsentError);
