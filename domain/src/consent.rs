//! A consent session: a client asks a person for some fields for a purpose; the person grants all, a part or none.
//!
//! ```text
//!            ┌─ approve ─→ approved ─ revoke, withdraw ─→ revoked
//! (create) pending ─ reject ──→ rejected
//!            ├─ revoke ──→ revoked
//!            └─ expire ──→ expired       (from `expires_at` on, whether or not anybody said so)
//! ```
//!
//! Promises: only a recipient's proof decides; nothing decides after `expires_at`; whatever ended stays ended.
//! Leaves to others: whether the proof is good (pages), sealing (vault), who may see it (http).

mod aggregate;
mod command;
mod error;
mod event;
mod session;
#[cfg(test)]
mod spec;
mod status;

pub use aggregate::Consent;
pub use command::{ConsentCommand, Create, Update};
pub use error::ConsentError;
pub use event::{
    Assurance, AssuranceMethod, ConsentEvent, Created, ProvedAction, RequireAssurance, RevokedBy, Updated,
};
pub use session::{Approval, Phase, Request, Session};
pub use status::Status;

/// The most fields that one consent may ask for.
pub const MAX_SCOPE: usize = 32;
