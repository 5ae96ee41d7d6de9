//! The facts about a report. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::PersonId;
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ReportEvent {
    #[serde(rename = "report.filed")]
    Filed(Box<Filed>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filed {
    pub person_id: PersonId,
    pub reason: Reason,
    /// Whom it is about, which consent, and what the person says, in JSON: nothing in the clear ties a person to a client.
    pub details: Sealed,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

/// What is wrong, of what a person can choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The person has nothing to do with this client.
    UnknownClient,
    /// It pretends to be somebody else, or to be for something else.
    Misleading,
    /// It asks for what it cannot need.
    TooMuch,
    /// Somebody urged the person to approve, or asked for a code.
    Pressure,
    /// It comes again and again.
    TooOften,
    Other,
}

impl Reason {
    pub const ALL: [Self; 6] =
        [Self::UnknownClient, Self::Misleading, Self::TooMuch, Self::Pressure, Self::TooOften, Self::Other];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::Misleading => "misleading",
            Self::TooMuch => "too_much",
            Self::Pressure => "pressure",
            Self::TooOften => "too_often",
            Self::Other => "other",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl ReportEvent {
    pub const FILED: &'static str = "report.filed";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Filed(_) => Self::FILED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }
}
