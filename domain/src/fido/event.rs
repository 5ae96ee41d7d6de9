//! The facts about a login. Names and payloads are frozen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::reason::Reason;
use crate::id::{ClientId, DeviceId, UserId};
use crate::proof::Proof;
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum LoginEvent {
    /// What the passkey signed by which somebody logged in on a hosted page: the login is the event after it.
    #[serde(rename = "auth.proved")]
    Proved {
        proof: Box<Proof>,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "auth.success")]
    Succeeded(Box<Succeeded>),
    #[serde(rename = "auth.failed")]
    Failed(Box<Failed>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Succeeded {
    pub client_id: ClientId,
    pub user_id: UserId,
    /// What the client calls its user; none where it knows them by `user_id`.
    pub reference: Option<Sealed>,
    pub device_id: Option<DeviceId>,
    /// `WebAuthn` user verification: by biometric or PIN.
    pub user_verified: bool,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    pub client_id: ClientId,
    /// Whose login it was to be, as far as that is known.
    pub user_id: Option<UserId>,
    pub reference: Option<Sealed>,
    pub device_id: Option<DeviceId>,
    pub reason: Reason,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

impl LoginEvent {
    pub const PROVED: &'static str = "auth.proved";
    pub const SUCCEEDED: &'static str = "auth.success";
    pub const FAILED: &'static str = "auth.failed";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Proved { .. } => Self::PROVED,
            Self::Succeeded(_) => Self::SUCCEEDED,
            Self::Failed(_) => Self::FAILED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Proved { at, .. } => *at,
            Self::Succeeded(succeeded) => succeeded.at,
            Self::Failed(failed) => failed.at,
        }
    }
}
