//! The facts about a QR code. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, ConsentId};

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
}

impl Target {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Consent(_) => "consent",
        }
    }

    /// The id of what it refers to.
    pub fn reference(self) -> String {
        match self {
            Self::Consent(id) => id.to_string(),
        }
    }
}

impl CodeEvent {
    pub const GENERATED: &'static str = "qr.generated";
    pub const SCANNED: &'static str = "qr.scanned";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Generated(_) => Self::GENERATED,
            Self::Scanned { .. } => Self::SCANNED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Generated(generated) => generated.at,
            Self::Scanned { at } => *at,
        }
    }
}
