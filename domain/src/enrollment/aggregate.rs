//! The state of an enrollment and its one decision function.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::TRIES;
use super::command::EnrollmentCommand;
use super::error::EnrollmentError;
use super::event::{Created, EnrollmentEvent, FailReason};
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::{ClientId, DeviceId, UserId};
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or a session in one of its phases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Enrollment {
    Session(Box<Session>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub request: Request,
    pub phase: Phase,
    /// What was registered, and tries to verify it that failed.
    pub enrolled: Option<Enrolled>,
    #[serde(with = "crate::rfc3339")]
    pub created_at: DateTime<Utc>,
    /// When the last event was so.
    #[serde(with = "crate::rfc3339")]
    pub updated_at: DateTime<Utc>,
}

/// What is asked, of whom, until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub client_id: ClientId,
    /// Whose key seals what is in here.
    pub user_id: UserId,
    pub recipient: SealedIn,
    pub display_name: Option<SealedIn>,
    pub claims: Option<SealedIn>,
    pub callback_url: Option<SealedIn>,
    pub return_url: Option<SealedIn>,
    #[serde(with = "crate::rfc3339")]
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolled {
    pub device_id: DeviceId,
    pub user_id: UserId,
    pub failed_tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Phase {
    Pending,
    DeviceRegistered,
    Completed { at: DateTime<Utc>, user_verified: bool },
    Expired { at: DateTime<Utc> },
    Failed { at: DateTime<Utc>, reason: FailReason },
    Cancelled { at: DateTime<Utc> },
}

/// The one word for where an enrollment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    DeviceRegistered,
    Completed,
    Expired,
    Failed,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::DeviceRegistered,
        Self::Completed,
        Self::Expired,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::DeviceRegistered => "device_registered",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether something can still come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::DeviceRegistered)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Phase {
    /// As the log has it; what is shown is [`Session::status_at`].
    pub fn recorded_status(&self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::DeviceRegistered => Status::DeviceRegistered,
            Self::Completed { .. } => Status::Completed,
            Self::Expired { .. } => Status::Expired,
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }
}

impl Session {
    /// Where it stands at a moment: an open one is expired from `expires_at` on, whether or not the sweep came.
    pub fn status_at(&self, now: DateTime<Utc>) -> Status {
        match self.phase.recorded_status() {
            status if status.is_open() && now >= self.request.expires_at => Status::Expired,
            status => status,
        }
    }

    /// When it last changed, as seen at a moment.
    pub fn updated_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.status_at(now) {
            Status::Expired => self.request.expires_at,
            _ => self.updated_at,
        }
    }

    /// Who it is, as the client sees them.
    pub fn user_id(&self) -> UserId {
        self.enrolled.map_or(self.request.user_id, |enrolled| enrolled.user_id)
    }

    fn in_status(&self, wanted: Status, now: DateTime<Utc>) -> Result<(), EnrollmentError> {
        match self.status_at(now) {
            status if status == wanted => Ok(()),
            status if status.is_open() => Err(EnrollmentError::WrongStatus(status)),
            status => Err(EnrollmentError::AlreadyClosed(status)),
        }
    }

    fn decide(&self, stamped: &Stamped<EnrollmentCommand>) -> Result<Vec<EnrollmentEvent>, EnrollmentError> {
        let at = stamped.at;
        match &stamped.command {
            EnrollmentCommand::Create(_) => Err(EnrollmentError::AlreadyExists),
            EnrollmentCommand::RegisterDevice { device_id, user_id } => {
                // Who proved the handle is who it is, though another than was asked for if they began anew.
                if stamped.by != Actor::Recipient(*user_id) {
                    return Err(EnrollmentError::NotTheRecipient);
                }
                self.in_status(Status::Pending, at)?;
                let (device_id, user_id) = (*device_id, *user_id);
                Ok(vec![EnrollmentEvent::DeviceRegistered { device_id, user_id, at }])
            }
            EnrollmentCommand::Verify { device_id, user_verified } => {
                self.by_recipient(stamped.by)?;
                self.in_status(Status::DeviceRegistered, at)?;
                if self.enrolled.is_none_or(|enrolled| enrolled.device_id != *device_id) {
                    return Err(EnrollmentError::AnotherDevice);
                }
                Ok(vec![EnrollmentEvent::Completed { user_verified: *user_verified, at }])
            }
            EnrollmentCommand::FailTry { reason } => {
                self.in_status(Status::DeviceRegistered, at)?;
                let failed = self.enrolled.map_or(0, |enrolled| enrolled.failed_tries) + 1;
                let mut events = vec![EnrollmentEvent::TryFailed { reason: reason.clone(), at }];
                if failed >= TRIES {
                    events.push(EnrollmentEvent::Failed { reason: FailReason::TooManyTries, at });
                }
                Ok(events)
            }
            EnrollmentCommand::Cancel => {
                if stamped.by != Actor::Client(self.request.client_id) {
                    return Err(EnrollmentError::NotTheClient);
                }
                match self.status_at(at) {
                    status if status.is_open() => Ok(vec![EnrollmentEvent::Cancelled { at }]),
                    status => Err(EnrollmentError::AlreadyClosed(status)),
                }
            }
            EnrollmentCommand::Expire => {
                let due = self.phase.recorded_status().is_open() && at >= self.request.expires_at;
                // Too early, or ended meanwhile: the scheduler may come when it likes.
                Ok(if due { vec![EnrollmentEvent::Expired { at: self.request.expires_at }] } else { vec![] })
            }
        }
    }

    fn by_recipient(&self, by: Actor) -> Result<(), EnrollmentError> {
        if by == Actor::Recipient(self.user_id()) { Ok(()) } else { Err(EnrollmentError::NotTheRecipient) }
    }

    fn evolve(&mut self, event: EnrollmentEvent) {
        self.updated_at = event.at();
        match event {
            EnrollmentEvent::Created(created) => *self = Self::created(*created),
            EnrollmentEvent::DeviceRegistered { device_id, user_id, .. } => {
                self.enrolled = Some(Enrolled { device_id, user_id, failed_tries: 0 });
                self.phase = Phase::DeviceRegistered;
            }
            EnrollmentEvent::TryFailed { .. } => {
                if let Some(enrolled) = &mut self.enrolled {
                    enrolled.failed_tries += 1;
                }
            }
            EnrollmentEvent::Completed { user_verified, at } => {
                self.phase = Phase::Completed { at, user_verified };
            }
            EnrollmentEvent::Failed { reason, at } => self.phase = Phase::Failed { at, reason },
            EnrollmentEvent::Cancelled { at } => self.phase = Phase::Cancelled { at },
            EnrollmentEvent::Expired { at } => self.phase = Phase::Expired { at },
        }
    }

    fn created(created: Created) -> Self {
        let sealed = |value| SealedIn::new(EnrollmentEvent::CREATED, value);
        Self {
            request: Request {
                client_id: created.client_id,
                user_id: created.user_id,
                recipient: sealed(created.recipient),
                display_name: created.display_name.map(sealed),
                claims: created.claims.map(sealed),
                callback_url: created.callback_url.map(sealed),
                return_url: created.return_url.map(sealed),
                expires_at: created.expires_at,
            },
            phase: Phase::Pending,
            enrolled: None,
            created_at: created.at,
            updated_at: created.at,
        }
    }
}

impl Enrollment {
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Absent => None,
        }
    }

    /// Only copies: whatever is in the log happened.
    pub fn evolve(&mut self, event: EnrollmentEvent) {
        match (self, event) {
            (Self::Session(session), event) => session.evolve(event),
            (absent @ Self::Absent, EnrollmentEvent::Created(created)) => {
                *absent = Self::Session(Box::new(Session::created(*created)));
            }
            (
                Self::Absent,
                EnrollmentEvent::DeviceRegistered { .. }
                | EnrollmentEvent::TryFailed { .. }
                | EnrollmentEvent::Completed { .. }
                | EnrollmentEvent::Failed { .. }
                | EnrollmentEvent::Cancelled { .. }
                | EnrollmentEvent::Expired { .. },
            ) => {}
        }
    }
}

impl Decider for Enrollment {
    type Order = EnrollmentCommand;

    fn decide(&self, stamped: &Stamped<EnrollmentCommand>) -> Result<Vec<EnrollmentEvent>, EnrollmentError> {
        match (self, &stamped.command) {
            (Self::Absent, EnrollmentCommand::Create(create)) => {
                if stamped.by != Actor::Client(create.client_id) {
                    return Err(EnrollmentError::NotTheClient);
                }
                let created = Created { at: stamped.at, ..(**create).clone() };
                Ok(vec![EnrollmentEvent::Created(Box::new(created))])
            }
            (Self::Absent, _) => Err(EnrollmentError::NotFound),
            (Self::Session(session), _) => session.decide(stamped),
        }
    }
}

aggregate!(Enrollment, "enrollment", EnrollmentCommand, EnrollmentEvent, EnrollmentError);
