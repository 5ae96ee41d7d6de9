//! The facts about a device. Names and payloads are frozen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, UserId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum DeviceEvent {
    #[serde(rename = "device.registered")]
    Registered(Box<Registered>),
    /// It was shown, and its signature held.
    #[serde(rename = "device.used", rename_all = "camelCase")]
    Used {
        sign_count: u32,
        backup_eligible: bool,
        backed_up: bool,
        user_verified: bool,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "device.blocked", rename_all = "camelCase")]
    Blocked {
        because: BlockedBecause,
        reason: Option<Sealed>,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "device.unblocked")]
    Unblocked {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "device.deregistered")]
    Deregistered {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
}

/// Whose passkey it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Holder {
    /// A client's own user, for that client's own pages alone.
    ClientUser { client_id: ClientId, user_id: UserId },
    /// A person of the hosted pages, who enrolled with this client. Their passkey is another device to another client.
    Person { client_id: ClientId, user_id: UserId },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    pub holder: Holder,
    /// What the client calls its user.
    pub reference: Option<Sealed>,
    /// The credential's id and its public key.
    pub credential: Sealed,
    /// What the user or the client calls the device.
    pub name: Option<Sealed>,
    /// The authenticator's model; none if it does not say.
    pub aaguid: Option<String>,
    /// How to reach it, as the browser says.
    pub transports: Vec<String>,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

/// Why a device was blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedBecause {
    /// Whoever registered it wanted it so.
    Requested,
    /// It counted backwards: there may be two of it.
    CounterRegressed,
}

impl BlockedBecause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::CounterRegressed => "counter_regressed",
        }
    }
}

impl DeviceEvent {
    pub const REGISTERED: &'static str = "device.registered";
    pub const USED: &'static str = "device.used";
    pub const BLOCKED: &'static str = "device.blocked";
    pub const UNBLOCKED: &'static str = "device.unblocked";
    pub const DEREGISTERED: &'static str = "device.deregistered";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Registered(_) => Self::REGISTERED,
            Self::Used { .. } => Self::USED,
            Self::Blocked { .. } => Self::BLOCKED,
            Self::Unblocked { .. } => Self::UNBLOCKED,
            Self::Deregistered { .. } => Self::DEREGISTERED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Registered(registered) => registered.at,
            Self::Used { at, .. }
            | Self::Blocked { at, .. }
            | Self::Unblocked { at }
            | Self::Deregistered { at } => *at,
        }
    }
}
