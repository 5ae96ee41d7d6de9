//! The facts about a person. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{HoldingId, PasskeyId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum PersonEvent {
    /// A one-time code proved it; the first one makes the person.
    #[serde(rename = "person.handle_verified", rename_all = "camelCase")]
    HandleVerified {
        holding_id: HoldingId,
        handle: Sealed,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "person.handle_released", rename_all = "camelCase")]
    HandleReleased {
        holding_id: HoldingId,
        reason: ReleaseReason,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "person.passkey_added", rename_all = "camelCase")]
    PasskeyAdded {
        passkey_id: PasskeyId,
        /// The credential: its id, its public key, and what the authenticator said of itself.
        credential: Sealed,
        counter: u32,
        backed_up: bool,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// It answered a ceremony, with this signature counter (0 where the authenticator keeps none).
    #[serde(rename = "person.passkey_used", rename_all = "camelCase")]
    PasskeyUsed {
        passkey_id: PasskeyId,
        counter: u32,
        backed_up: bool,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "person.passkey_dropped", rename_all = "camelCase")]
    PasskeyDropped {
        passkey_id: PasskeyId,
        reason: DropReason,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// Somebody who reads the handle's messages, and has none of the passkeys, began anew.
    Recovered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The person wanted it gone.
    Removed,
    /// Its counter did not go on: there may be a copy of it.
    CounterRegressed,
}

impl PersonEvent {
    pub const HANDLE_VERIFIED: &'static str = "person.handle_verified";
    pub const HANDLE_RELEASED: &'static str = "person.handle_released";
    pub const PASSKEY_ADDED: &'static str = "person.passkey_added";
    pub const PASSKEY_USED: &'static str = "person.passkey_used";
    pub const PASSKEY_DROPPED: &'static str = "person.passkey_dropped";

    pub fn name(&self) -> &'static str {
        match self {
            Self::HandleVerified { .. } => Self::HANDLE_VERIFIED,
            Self::HandleReleased { .. } => Self::HANDLE_RELEASED,
            Self::PasskeyAdded { .. } => Self::PASSKEY_ADDED,
            Self::PasskeyUsed { .. } => Self::PASSKEY_USED,
            Self::PasskeyDropped { .. } => Self::PASSKEY_DROPPED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }
}
