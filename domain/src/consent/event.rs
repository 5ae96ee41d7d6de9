//! The facts about a consent. Names and payloads are frozen: a changed payload is a new version and an upcaster.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, UserId};
use crate::proof::Proof;
use crate::sealed::Sealed;
use crate::slug::Slug;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ConsentEvent {
    #[serde(rename = "consent.created")]
    Created(Box<Created>),
    #[serde(rename = "consent.updated")]
    Updated(Box<Updated>),
    /// The first action on the hosted page after a QR code led there.
    #[serde(rename = "consent.scanned")]
    Scanned { at: DateTime<Utc> },
    #[serde(rename = "consent.approved", rename_all = "camelCase")]
    Approved {
        granted_scope: Vec<Slug>,
        claims: Option<Sealed>,
        assurance: Assurance,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// What the recipient's passkey signed: the decision that it is for is the event after it.
    #[serde(rename = "consent.proved")]
    Proved {
        action: ProvedAction,
        proof: Box<Proof>,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "consent.rejected")]
    Rejected {
        assurance: Assurance,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    #[serde(rename = "consent.revoked")]
    Revoked {
        by: RevokedBy,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// `at` is the deadline, however late the sweep came.
    #[serde(rename = "consent.expired")]
    Expired { at: DateTime<Utc> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub client_id: ClientId,
    /// Who it is addressed to, as this client sees them; the handle itself is sealed in `recipient`.
    pub user_id: UserId,
    pub recipient: Sealed,
    pub purpose: Slug,
    pub scope: Vec<Slug>,
    pub callback_url: Option<Sealed>,
    pub return_url: Option<Sealed>,
    pub metadata: Option<Sealed>,
    pub require_assurance: RequireAssurance,
    pub notify: bool,
    pub locale: Option<String>,
    #[serde(with = "crate::rfc3339")]
    pub expires_at: DateTime<Utc>,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

/// Only what is present changed. `Some(None)` cleared the field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Updated {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Slug>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<Slug>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub callback_url: Option<Option<Sealed>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub metadata: Option<Option<Sealed>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Sealed>>, D::Error> {
    Option::<Sealed>::deserialize(deserializer).map(Some)
}

/// What was decided by a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvedAction {
    Approve,
    Reject,
    Withdraw,
}

/// What the recipient proved when deciding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assurance {
    pub method: AssuranceMethod,
    /// `WebAuthn` user verification (biometric or PIN); never so for a one-time code.
    pub user_verified: bool,
    /// When the proof was bound to what was decided.
    #[serde(with = "crate::rfc3339")]
    pub bound_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssuranceMethod {
    Passkey,
    OneTimeCode,
}

/// What a client demands of the recipient's proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequireAssurance {
    #[default]
    Any,
    Passkey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    Client,
    Recipient,
}

impl ConsentEvent {
    pub const CREATED: &'static str = "consent.created";
    pub const UPDATED: &'static str = "consent.updated";
    pub const SCANNED: &'static str = "consent.scanned";
    pub const APPROVED: &'static str = "consent.approved";
    pub const PROVED: &'static str = "consent.proved";
    pub const REJECTED: &'static str = "consent.rejected";
    pub const REVOKED: &'static str = "consent.revoked";
    pub const EXPIRED: &'static str = "consent.expired";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::CREATED,
            Self::Updated(_) => Self::UPDATED,
            Self::Scanned { .. } => Self::SCANNED,
            Self::Approved { .. } => Self::APPROVED,
            Self::Proved { .. } => Self::PROVED,
            Self::Rejected { .. } => Self::REJECTED,
            Self::Revoked { .. } => Self::REVOKED,
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
            Self::Updated(updated) => updated.at,
            Self::Scanned { at }
            | Self::Approved { at, .. }
            | Self::Proved { at, .. }
            | Self::Rejected { at, .. }
            | Self::Revoked { at, .. }
            | Self::Expired { at } => *at,
        }
    }
}
