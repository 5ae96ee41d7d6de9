//! What can be asked of a client.

use chrono::{DateTime, Utc};

use super::event::{Changes, Created, Key};
use super::plan::{Limits, Plan};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq)]
pub enum ClientCommand {
    /// A new client, but for `at`, which is the stamp's; `limits` are an enterprise's own.
    Create {
        created: Box<Created>,
        limits: Option<Limits>,
    },
    /// Only what is present is to change.
    Update(Box<Update>),
    /// `grace_until` is for how long the key until now stays good; not at all without it.
    RegenerateKey {
        key: Key,
        grace_until: Option<DateTime<Utc>>,
    },
    RotateCallbackSecret {
        callback_secret: Sealed,
    },
    Delete,
}

/// What a `PUT` or `PATCH` can ask for at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    pub changes: Changes,
    pub plan: Option<Plan>,
    /// `Some(None)` takes back what was agreed.
    pub limits: Option<Option<Limits>>,
    pub suspended: Option<bool>,
}
