//! What can be asked of a QR code.

use super::event::Generated;

#[derive(Debug, Clone, PartialEq)]
pub enum CodeCommand {
    Generate(Box<Generate>),
    /// Somebody whom it led to the hosted page did something there.
    Scan,
    /// Somebody entered a number on the page of a login.
    TryNumber {
        right: bool,
    },
    /// Somebody on that page wants no login, or knows of none.
    Decline,
}

/// The new code, but for `at`, which is the stamp's.
pub type Generate = Generated;
