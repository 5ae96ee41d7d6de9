//! What can be asked of a QR code.

use super::event::Generated;

#[derive(Debug, Clone, PartialEq)]
pub enum CodeCommand {
    Generate(Box<Generate>),
    /// Somebody whom it led to the hosted page did something there.
    Scan,
}

/// The new code, but for `at`, which is the stamp's.
pub type Generate = Generated;
