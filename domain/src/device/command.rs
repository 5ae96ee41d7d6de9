//! What can be asked of a device.

use super::event::Registered;
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq)]
pub enum DeviceCommand {
    /// A new device, but for `at`, which is the stamp's.
    Register(Box<Registered>),
    /// It was shown, and its signature holds.
    Use(Use),
    Block {
        /// Why, in the words of whoever blocks it.
        reason: Option<Sealed>,
    },
    Unblock,
    Deregister,
}

/// What an authenticator said of itself when it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub user_verified: bool,
}
