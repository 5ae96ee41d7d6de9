//! The facts about a QR code. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, ConsentId, EnrollmentId, LoginId};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum CodeEvent {
    #[serde(rename = "qr.generated")]
    Generated(Box<Generated>),
    /// The first action on the hosted page after the code led there.
    #[serde(rename = "qr.scanned")]
    Scanned {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// Somebody entered the number that stands beside a login's code.
    #[serde(rename = "qr.number_matched")]
    NumberMatched {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// Somebody entered another one.
    #[serde(rename = "qr.number_refused")]
    NumberRefused {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// A login's code leads nowhere any more, before its time.
    #[serde(rename = "qr.ended")]
    Ended {
        reason: EndReason,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
}

/// Why a login's code ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// By whom it led to the page.
    Declined,
    TooManyTries,
}

impl EndReason {
    pub const ALL: [Self; 2] = [Self::Declined, Self::TooManyTries];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::TooManyTries => "too_many_tries",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    pub client_id: ClientId,
    pub target: Target,
    #[serde(with = "crate::rfc3339")]
    pub expires_at: DateTime<Utc>,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

/// Where a code leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "referenceId", rename_all = "snake_case")]
pub enum Target {
    Consent(ConsentId),
    Enrollment(EnrollmentId),
    /// That which comes of it, if one does: it can be but one.
    Login(LoginId),
}

impl Target {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Consent(_) => "consent",
            Self::Enrollment(_) => "enrollment",
            Self::Login(_) => "login",
        }
    }

    /// The id of what it refers to.
    pub fn reference(self) -> String {
        match self {
            Self::Consent(id) => id.to_string(),
            Self::Enrollment(id) => id.to_string(),
            Self::Login(id) => id.to_string(),
        }
    }
}

impl CodeEvent {
    pub const GENERATED: &'static str = "qr.generated";
    pub const SCANNED: &'static str = "qr.scanned";
    pub const NUMBER_MATCHED: &'static str = "qr.number_matched";
    pub const NUMBER_REFUSED: &'static str = "qr.number_refused";
    pub const ENDED: &'static str = "qr.ended";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Generated(_) => Self::GENERATED,
            Self::Scanned { .. } => Self::SCANNED,
            Self::NumberMatched { .. } => Self::NUMBER_MATCHED,
            Self::NumberRefused { .. } => Self::NUMBER_REFUSED,
            Self::Ended { .. } => Self::ENDED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Generated(generated) => generated.at,
            Self::Scanned { at }
            | Self::NumberMatched { at }
            | Self::NumberRefused { at }
            | Self::Ended { at, .. } => *at,
        }
    }
}
