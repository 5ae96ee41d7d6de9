//! The facts about a client. Names and payloads are frozen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::permission::Permission;
use crate::id::{ClientId, KeyId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ClientEvent {
    #[serde(rename = "client.created")]
    Created(Box<Created>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub client_id: ClientId,
    /// Shown to recipients; set by the owner.
    pub name: String,
    pub plan: Plan,
    pub permissions: Vec<Permission>,
    pub key_id: KeyId,
    /// SHA-256 of the API key, lower-case hex.
    pub key_hash: String,
    pub key_last_four: String,
    pub callback_secret: Sealed,
    pub rp_id: Option<String>,
    pub origins: Vec<String>,
    pub callback_hosts: Vec<String>,
    /// The client of the first start, which manages the others.
    pub owner: bool,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    Free,
    Basic,
    Growth,
    Enterprise,
}

impl ClientEvent {
    pub const CREATED: &'static str = "client.created";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::CREATED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }
}
