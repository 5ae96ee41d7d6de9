//! What can be asked of an enrollment.

use super::event::Created;
use crate::id::{DeviceId, UserId};

#[derive(Debug, Clone, PartialEq)]
pub enum EnrollmentCommand {
    Create(Box<Create>),
    /// The recipient proved the handle and has a passkey, which is this device to the client.
    RegisterDevice {
        device_id: DeviceId,
        user_id: UserId,
    },
    /// The passkey of this device answered.
    Verify {
        device_id: DeviceId,
        user_verified: bool,
    },
    /// What answered was not good enough.
    FailTry {
        reason: String,
    },
    /// The client takes it back.
    Cancel,
    /// The deadline may have passed.
    Expire,
}

/// The new enrollment, but for `at`, which is the stamp's.
pub type Create = Created;
