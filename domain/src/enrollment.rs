//! An enrollment: a client asks a person to register a passkey on the hosted page and to show that it works.
//!
//! ```text
//!            ┌─ register device ─→ device_registered ─ verify ─→ completed
//! (create) pending                    │  │ └─ five tries that fail ─→ failed
//!            ├─ cancel ───────────────┘  │
//!            └─ expire ──────────────────┘   (from `expires_at` on, whether or not anybody said so)
//! ```
//!
//! Promises: only a recipient's proof registers a device; nothing happens after `expires_at`; whatever ended stays
//! ended. Leaves to others: whether a proof is good (pages, webauthn), sealing (vault), who may see it (http).

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Enrolled, Enrollment, Phase, Request, Session, Status};
pub use command::{Create, EnrollmentCommand};
pub use error::EnrollmentError;
pub use event::{Created, EnrollmentEvent, FailReason};

/// Tries to verify that fail an enrollment.
pub const TRIES: u32 = 5;
