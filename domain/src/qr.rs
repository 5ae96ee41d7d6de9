//! A QR code: a client shows it, and who scans it is led to what it refers to.
//!
//! ```text
//! (generate) active ─ scan ─→ scanned ─ what it refers to is decided ─→ used
//!              └────────────────┴─ its time is over, or what it refers to has ended ─→ expired
//!
//! of a login:   a number is entered, the right one or a wrong one; the third wrong one ends the code, and so does
//!               whoever declines
//! ```
//!
//! Promises: only the first scan counts, and none after `expires_at`. That a code is used or expired follows from the
//! time and from what it refers to, so nothing has to be said about it in the log. Every number that is entered is an
//! event, the right one as well: whoever enters many at once is heard one after the other, and stopped at the third.
//! Leaves to others: what it refers to (consent, enrollment, fido), which number is right and what it looks like (api),
//! who scanned (pages).

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Code, End, Generation, Referred, Status, TRIES};
pub use command::{CodeCommand, Generate};
pub use error::CodeError;
pub use event::{CodeEvent, EndReason, Generated, Target};
