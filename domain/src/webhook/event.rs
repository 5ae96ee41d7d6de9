//! The facts about an endpoint. Names and payloads are frozen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::event_type::EventType;
use crate::id::ClientId;
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EndpointEvent {
    #[serde(rename = "webhook.created")]
    Created(Box<Created>),
    #[serde(rename = "webhook.disabled")]
    Disabled { reason: DisabledReason, at: DateTime<Utc> },
    #[serde(rename = "webhook.deleted")]
    Deleted { at: DateTime<Utc> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    pub client_id: ClientId,
    pub url: Sealed,
    /// Empty means all, those of later versions too.
    pub event_types: Vec<EventType>,
    pub description: Option<Sealed>,
    /// The signing secret (`whsec_…`).
    pub secret: Sealed,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// It answered 410.
    Gone,
    /// It answered nothing good for five days.
    Failing,
}

impl EndpointEvent {
    pub const CREATED: &'static str = "webhook.created";
    pub const DISABLED: &'static str = "webhook.disabled";
    pub const DELETED: &'static str = "webhook.deleted";

    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::CREATED,
            Self::Disabled { .. } => Self::DISABLED,
            Self::Deleted { .. } => Self::DELETED,
        }
    }

    pub fn version(&self) -> &'static str {
        "1"
    }

    /// When it was so.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Created(created) => created.at,
            Self::Disabled { at, .. } | Self::Deleted { at } => *at,
        }
    }
}
