//! What can be said of an attempt to log in.

use super::event::{Failed, Succeeded};

#[derive(Debug, Clone, PartialEq)]
pub enum LoginCommand {
    /// But for `at`, which is the stamp's.
    Succeed(Box<Succeeded>),
    /// The same.
    Fail(Box<Failed>),
}
