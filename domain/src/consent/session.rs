//! What is asked and where it stands.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::event::{Assurance, RequireAssurance, RevokedBy};
use super::status::Status;
use crate::id::{ClientId, UserId};
use crate::sealed::SealedIn;
use crate::slug::Slug;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub request: Request,
    pub phase: Phase,
    #[serde(with = "crate::rfc3339")]
    pub created_at: DateTime<Utc>,
    /// When the last event was so.
    #[serde(with = "crate::rfc3339")]
    pub updated_at: DateTime<Utc>,
    pub scanned_at: Option<DateTime<Utc>>,
}

/// What is asked, of whom, until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub client_id: ClientId,
    pub user_id: UserId,
    pub recipient: SealedIn,
    pub purpose: Slug,
    pub scope: Vec<Slug>,
    pub callback_url: Option<SealedIn>,
    pub return_url: Option<SealedIn>,
    pub metadata: Option<SealedIn>,
    pub require_assurance: RequireAssurance,
    pub notify: bool,
    pub locale: Option<String>,
    #[serde(with = "crate::rfc3339")]
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Phase {
    Pending,
    Approved(Approval),
    Rejected {
        assurance: Assurance,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    Expired {
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
    /// `approval` is what was revoked, its claims gone.
    Revoked {
        by: RevokedBy,
        approval: Option<Approval>,
        #[serde(with = "crate::rfc3339")]
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    pub granted_scope: Vec<Slug>,
    pub claims: Option<SealedIn>,
    pub assurance: Assurance,
    #[serde(with = "crate::rfc3339")]
    pub at: DateTime<Utc>,
}

impl Phase {
    /// As the log has it; what is shown is [`Session::status_at`].
    pub fn recorded_status(&self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::Approved(_) => Status::Approved,
            Self::Rejected { .. } => Status::Rejected,
            Self::Expired { .. } => Status::Expired,
            Self::Revoked { .. } => Status::Revoked,
        }
    }
}

impl Session {
    /// Where it stands at a moment: a pending one is expired from `expires_at` on, whether or not the sweep came.
    pub fn status_at(&self, now: DateTime<Utc>) -> Status {
        match self.phase.recorded_status() {
            Status::Pending if now >= self.request.expires_at => Status::Expired,
            status => status,
        }
    }

    /// When it last changed, as seen at a moment.
    pub fn updated_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.status_at(now) {
            Status::Expired => self.request.expires_at,
            _ => self.updated_at,
        }
    }

    /// What was granted, also if it was revoked since.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.phase {
            Phase::Approved(approval) => Some(approval),
            Phase::Revoked { approval, .. } => approval.as_ref(),
            Phase::Pending | Phase::Rejected { .. } | Phase::Expired { .. } => None,
        }
    }
}
