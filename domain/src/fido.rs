//! Logins with a passkey: what each attempt came to, on an aggregate of its own.
//!
//! ```text
//! (attempt) ─▶ succeeded
//!         └──▶ failed, with its reason
//! ```
//! An attempt has one event, and what it was about is in it. One that succeeded on a hosted page has another before it, in
//! the same append: what the passkey signed. Leaves to others: what a login does to the device that it
//! was made with (`device`).

mod aggregate;
mod command;
mod error;
mod event;
mod reason;
#[cfg(test)]
mod spec;

pub use aggregate::{Attempt, HOSTED_PAGE, Login, Outcome};
pub use command::LoginCommand;
pub use error::LoginError;
pub use event::{Failed, LoginEvent, Succeeded};
pub use reason::Reason;
