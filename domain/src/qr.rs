//! A QR code: a client shows it, and who scans it is led to what it refers to.
//!
//! ```text
//! (generate) active ─ scan ─→ scanned ─ what it refers to is decided ─→ used
//!              └────────────────┴─ its time is over, or what it refers to has ended ─→ expired
//! ```
//!
//! Promises: only the first scan counts, and none after `expires_at`. That a code is used or expired follows from the
//! time and from what it refers to, so nothing has to be said about it in the log.
//! Leaves to others: what it refers to (consent), what it looks like (api), who scanned (pages).

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Code, Generation, Referred, Status};
pub use command::{CodeCommand, Generate};
pub use error::CodeError;
pub use event::{CodeEvent, Generated, Target};
