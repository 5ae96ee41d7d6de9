//! The facts about a client. Names and payloads are frozen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::permission::Permission;
use super::plan::{Limits, Plan};
use crate::id::{ClientId, KeyId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ClientEvent {
    #[serde(rename = "client.created")]
    Created(Box<Created>),
    #[serde(rename = "client.updated")]
    Updated(Box<Updated>),
    /// What it may use from now on; `limits` are an enterprise's own.
    #[serde(rename = "client.plan_changed")]
    PlanChanged { plan: Plan, limits: Option<Limits>, at: DateTime<Utc> },
    /// A new key; the one before it is good until then, and every older one no more.
    #[serde(rename = "client.key_regenerated", rename_all = "camelCase")]
    KeyRegenerated { key: Key, grace_until: Option<DateTime<Utc>>, at: DateTime<Utc> },
    #[serde(rename = "client.callback_secret_rotated", rename_all = "camelCase")]
    CallbackSecretRotated { callback_secret: Sealed, at: DateTime<Utc> },
    #[serde(rename = "client.suspended")]
    Suspended { at: DateTime<Utc> },
    #[serde(rename = "client.resumed")]
    Resumed { at: DateTime<Utc> },
    #[serde(rename = "client.deleted")]
    Deleted { at: DateTime<Utc> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub client_id: ClientId,
    /// Shown to recipients; set by the owner.
    pub name: String,
    pub plan: Plan,
    pub permissions: Vec<Permission>,
    #[serde(flatten)]
    pub key: Key,
    pub callback_secret: Sealed,
    pub rp_id: Option<String>,
    pub origins: Vec<String>,
    pub callback_hosts: Vec<String>,
    /// The client of the first start, which manages the others.
    pub owner: bool,
    pub at: DateTime<Utc>,
}

/// An API key, as much of it as may be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub key_id: KeyId,
    /// SHA-256 of the API key, lower-case hex.
    pub key_hash: String,
    pub key_last_four: String,
}

/// Only what is present changed. `Some(None)` cleared the field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Permission>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub rp_id: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_hosts: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Updated {
    #[serde(flatten)]
    pub changes: Changes,
    pub at: DateTime<Utc>,
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

impl ClientEvent {
    pub const CREATED: &'static str = "client.created";
    pub const UPDATED: &'static str = "client.updated";
    pub const PLAN_CHANGED: &'static str = "client.plan_changed";
    pub const KEY_REGENERATED: &'static str = "client.key_regenerated";
    pub const CALLBACK_SECRET_ROTATED: &'static str = "client.callback_secret_rotated";
    pub const SUSPENDED: &'static str = "client.suspended";
    pub const RESUMED: &'static str = "client.resumed";
    pub const DELETED: &'static str = "client.deleted";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::CREATED,
            Self::Updated(_) => Self::UPDATED,
            Self::PlanChanged { .. } => Self::PLAN_CHANGED,
            Self::KeyRegenerated { .. } => Self::KEY_REGENERATED,
            Self::CallbackSecretRotated { .. } => Self::CALLBACK_SECRET_ROTATED,
            Self::Suspended { .. } => Self::SUSPENDED,
            Self::Resumed { .. } => Self::RESUMED,
            Self::Deleted { .. } => Self::DELETED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }
}
