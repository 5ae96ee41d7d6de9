//! The facts about an enrollment. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, DeviceId, UserId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EnrollmentEvent {
    #[serde(rename = "enrollment.created")]
    Created(Box<Created>),
    /// `user_id` is who it is now: another than was asked for, if the person began anew meanwhile.
    #[serde(rename = "enrollment.device_registered", rename_all = "camelCase")]
    DeviceRegistered {
        device_id: DeviceId,
        user_id: UserId,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// Somebody tried to verify, and it was not good; `reason` as the API names it.
    #[serde(rename = "enrollment.try_failed")]
    TryFailed {
        reason: String,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "enrollment.completed", rename_all = "camelCase")]
    Completed {
        user_verified: bool,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "enrollment.failed")]
    Failed {
        reason: FailReason,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "enrollment.cancelled")]
    Cancelled {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// `at` is the deadline, however late the sweep came.
    #[serde(rename = "enrollment.expired")]
    Expired {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub client_id: ClientId,
    /// Who it is addressed to, as this client sees them; the handle itself is sealed in `recipient`.
    pub user_id: UserId,
    pub recipient: Sealed,
    pub display_name: Option<Sealed>,
    /// What the client says it knows of the person.
    pub claims: Option<Sealed>,
    pub callback_url: Option<Sealed>,
    pub return_url: Option<Sealed>,
    #[serde(with = "crate::rfc3339")]
    pub expires_at: DateTime<Utc>,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The last try that there was.
    TooManyTries,
}

impl EnrollmentEvent {
    pub const CREATED: &'static str = "enrollment.created";
    pub const DEVICE_REGISTERED: &'static str = "enrollment.device_registered";
    pub const TRY_FAILED: &'static str = "enrollment.try_failed";
    pub const COMPLETED: &'static str = "enrollment.completed";
    pub const FAILED: &'static str = "enrollment.failed";
    pub const CANCELLED: &'static str = "enrollment.cancelled";
    pub const EXPIRED: &'static str = "enrollment.expired";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::CREATED,
            Self::DeviceRegistered { .. } => Self::DEVICE_REGISTERED,
            Self::TryFailed { .. } => Self::TRY_FAILED,
            Self::Completed { .. } => Self::COMPLETED,
            Self::Failed { .. } => Self::FAILED,
            Self::Cancelled { .. } => Self::CANCELLED,
            Self::Expired { .. } => Self::EXPIRED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Created(created) => created.at,
            Self::DeviceRegistered { at, .. }
            | Self::TryFailed { at, .. }
            | Self::Completed { at, .. }
            | Self::Failed { at, .. }
            | Self::Cancelled { at }
            | Self::Expired { at } => *at,
        }
    }
}
