//! The state of a QR code and its one decision function.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::CodeCommand;
use super::error::CodeError;
use super::event::{CodeEvent, EndReason, Generated, Target};
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::ClientId;
use crate::stamped::Stamped;

/// Wrong numbers that a login's code takes; the last of them ends it. Whoever guesses all of them has a number of three
/// digits once in 333 codes.
pub const TRIES: u32 = 3;

/// Nothing yet, or what was generated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Code {
    Generation(Generation),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generation {
    pub client_id: ClientId,
    pub target: Target,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub scanned_at: Option<DateTime<Utc>>,
    /// Wrong numbers so far.
    pub numbers_refused: u32,
    pub ended: Option<End>,
}

/// How a login's code ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub reason: EndReason,
    pub at: DateTime<Utc>,
}

/// The one word for where a code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Scanned,
    Used,
    Expired,
}

/// Where that stands which a code refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referred {
    /// It waits for a decision, until then.
    Open {
        until: DateTime<Utc>,
    },
    Decided {
        at: DateTime<Utc>,
    },
    /// It ended without one.
    Ended,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Active, Self::Scanned, Self::Used, Self::Expired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Scanned => "scanned",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }

    /// Whether it can change no more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Active | Self::Scanned => false,
            Self::Used | Self::Expired => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Generation {
    /// A code that was scanned in time has led there: how long it could have been scanned does not matter any more.
    pub fn status_at(&self, now: DateTime<Utc>, referred: Referred) -> Status {
        match (referred, self.scanned_at) {
            (Referred::Decided { .. }, Some(_)) => Status::Used,
            (Referred::Decided { .. } | Referred::Ended, _) => Status::Expired,
            (Referred::Open { until }, _) if now >= until => Status::Expired,
            (Referred::Open { .. }, Some(_)) => Status::Scanned,
            (Referred::Open { .. }, None) if now >= self.expires_at => Status::Expired,
            (Referred::Open { .. }, None) => Status::Active,
        }
    }

    /// When that status changes by time alone.
    pub fn changes_at(&self, referred: Referred) -> Option<DateTime<Utc>> {
        match referred {
            Referred::Open { until } if self.scanned_at.is_some() => Some(until),
            Referred::Open { until } => Some(until.min(self.expires_at)),
            Referred::Decided { .. } | Referred::Ended => None,
        }
    }

    fn generated(generated: &Generated) -> Self {
        Self {
            client_id: generated.client_id,
            target: generated.target,
            expires_at: generated.expires_at,
            created_at: generated.at,
            scanned_at: None,
            numbers_refused: 0,
            ended: None,
        }
    }

    pub fn tries_left(&self) -> u32 {
        TRIES.saturating_sub(self.numbers_refused)
    }

    /// Whether a login can still come of it.
    fn is_open(&self, at: DateTime<Utc>) -> Result<(), CodeError> {
        match self.target {
            Target::Login(_) if self.ended.is_some() => Err(CodeError::Ended),
            Target::Login(_) if at >= self.expires_at => Err(CodeError::Expired),
            Target::Login(_) => Ok(()),
            Target::Consent(_) | Target::Enrollment(_) => Err(CodeError::NotALogin),
        }
    }

    /// The scan, if this is the first that was done on the page.
    fn scan(&self, at: DateTime<Utc>) -> Vec<CodeEvent> {
        if self.scanned_at.is_none() { vec![CodeEvent::Scanned { at }] } else { vec![] }
    }

    fn try_number(&self, right: bool, at: DateTime<Utc>) -> Vec<CodeEvent> {
        let mut events = self.scan(at);
        if right {
            events.push(CodeEvent::NumberMatched { at });
            return events;
        }
        events.push(CodeEvent::NumberRefused { at });
        if self.numbers_refused + 1 >= TRIES {
            events.push(CodeEvent::Ended { reason: EndReason::TooManyTries, at });
        }
        events
    }
}

impl Code {
    pub fn generation(&self) -> Option<&Generation> {
        match self {
            Self::Generation(generation) => Some(generation),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: CodeEvent) {
        match (self, event) {
            (this, CodeEvent::Generated(generated)) => {
                *this = Self::Generation(Generation::generated(&generated));
            }
            (Self::Generation(generation), CodeEvent::Scanned { at }) => generation.scanned_at = Some(at),
            (Self::Generation(generation), CodeEvent::NumberRefused { .. }) => {
                generation.numbers_refused += 1;
            }
            (Self::Generation(generation), CodeEvent::Ended { reason, at }) => {
                generation.ended = Some(End { reason, at });
            }
            (Self::Generation(_), CodeEvent::NumberMatched { .. })
            | (
                Self::Absent,
                CodeEvent::Scanned { .. }
                | CodeEvent::NumberMatched { .. }
                | CodeEvent::NumberRefused { .. }
                | CodeEvent::Ended { .. },
            ) => {}
        }
    }
}

impl Decider for Code {
    type Order = CodeCommand;

    fn decide(&self, stamped: &Stamped<CodeCommand>) -> Result<Vec<CodeEvent>, CodeError> {
        let at = stamped.at;
        match (self, &stamped.command) {
            (Self::Absent, CodeCommand::Generate(generate)) => {
                if stamped.by != Actor::Client(generate.client_id) {
                    return Err(CodeError::NotTheClient);
                }
                Ok(vec![CodeEvent::Generated(Box::new(Generated { at, ..(**generate).clone() }))])
            }
            (Self::Generation(_), CodeCommand::Generate(_)) => Err(CodeError::AlreadyExists),
            (Self::Absent, CodeCommand::Scan | CodeCommand::TryNumber { .. } | CodeCommand::Decline) => {
                Err(CodeError::NotFound)
            }
            // An API key never answers for a person.
            (Self::Generation(_), CodeCommand::TryNumber { .. } | CodeCommand::Decline)
                if matches!(stamped.by, Actor::Client(_)) =>
            {
                Err(CodeError::NotOnThePage)
            }
            (Self::Generation(generation), CodeCommand::TryNumber { right }) => {
                generation.is_open(at)?;
                Ok(generation.try_number(*right, at))
            }
            (Self::Generation(generation), CodeCommand::Decline) => {
                generation.is_open(at)?;
                let mut events = generation.scan(at);
                events.push(CodeEvent::Ended { reason: EndReason::Declined, at });
                Ok(events)
            }
            (Self::Generation(generation), CodeCommand::Scan) => match generation.scanned_at {
                Some(_) => Ok(vec![]),
                None if at >= generation.expires_at => Err(CodeError::Expired),
                None => Ok(vec![CodeEvent::Scanned { at }]),
            },
        }
    }
}

aggregate!(Code, "qr", CodeCommand, CodeEvent, CodeError);
