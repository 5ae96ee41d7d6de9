//! A person of the hosted pages: the handles that they proved to have, and the passkeys that decide for them.
//!
//! ```text
//! (verify handle) known ─ add passkey ⇄ drop passkey ─ … ─ release handle → known, but reached by nobody
//! ```
//!
//! Promises: whoever has a passkey needs one of them to add another; one whose counter goes back is dropped; what was
//! dropped or released stays so.
//! Leaves to others: that a handle has one holder (a claim in the log), whether a proof is good (pages, webauthn).
//!
//! A person is nobody's tenant. In the log they stand under [`TENANT`], which no client can have: whatever is asked for
//! by tenant never comes upon them, not even the owner's own.

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Dropped, Holding, Passkey, Person, Record};
pub use command::PersonCommand;
pub use error::PersonError;
pub use event::{DropReason, PersonEvent, ReleaseReason};

use crate::id::ClientId;

/// Whose persons are in the log: ids are `UUIDv7`, and this is none.
pub const TENANT: ClientId = ClientId(uuid::Uuid::nil());

/// The most passkeys that a person has at a time.
pub const MAX_PASSKEYS: usize = 20;
