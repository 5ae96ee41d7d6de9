//! What can be asked of an endpoint.

use super::event::{Created, DisabledReason};

#[derive(Debug, Clone, PartialEq)]
pub enum EndpointCommand {
    /// A new endpoint, but for `at`, which is the stamp's.
    Create(Box<Created>),
    /// The sender gives up on it.
    Disable {
        reason: DisabledReason,
    },
    Delete,
}
