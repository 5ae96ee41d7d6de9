//! What can be asked of a consent.

use chrono::{DateTime, Utc};

use super::event::{Assurance, Created};
use crate::proof::Proof;
use crate::sealed::Sealed;
use crate::slug::Slug;

#[derive(Debug, Clone, PartialEq)]
pub enum ConsentCommand {
    Create(Box<Create>),
    Update(Box<Update>),
    /// A QR code led the recipient here.
    Scan,
    /// The recipient grants `granted_scope`, a part of what was asked or all of it.
    Approve {
        granted_scope: Vec<Slug>,
        claims: Option<Sealed>,
        assurance: Assurance,
    },
    /// The recipient declines.
    Reject {
        assurance: Assurance,
    },
    /// The client takes it back.
    Revoke,
    /// The recipient takes an approval back.
    Withdraw {
        assurance: Assurance,
    },
    /// A decision of the recipient's, with what their passkey signed for it.
    Prove {
        proof: Box<Proof>,
        decision: Box<ConsentCommand>,
    },
    /// The deadline may have passed.
    Expire,
}

/// The new consent, but for `at`, which is the stamp's.
pub type Create = Created;

/// Only what is present is to change. `Some(None)` clears the field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    pub purpose: Option<Slug>,
    pub scope: Option<Vec<Slug>>,
    pub callback_url: Option<Option<Sealed>>,
    pub metadata: Option<Option<Sealed>>,
    pub expires_at: Option<DateTime<Utc>>,
}
