//! What can be said of an attempt to log in.

use chrono::{DateTime, Utc};

use super::event::{Failed, Succeeded};
use crate::proof::Proof;

#[derive(Debug, Clone, PartialEq)]
pub enum LoginCommand {
    /// But for `at`, which is the stamp's.
    Succeed(Box<Succeeded>),
    /// The same on a hosted page: with what the passkey signed, and as long as there is time.
    Prove { proof: Box<Proof>, succeeded: Box<Succeeded>, until: DateTime<Utc> },
    /// Like the first.
    Fail(Box<Failed>),
}
