//! What can be asked of a person's record.

use super::event::{DropReason, ReleaseReason};
use crate::id::{HoldingId, PasskeyId};
use crate::sealed::Sealed;

#[derive(Debug, Clone, PartialEq)]
pub enum PersonCommand {
    /// A one-time code proved the handle of somebody new.
    VerifyHandle {
        holding_id: HoldingId,
        handle: Sealed,
    },
    ReleaseHandle {
        reason: ReleaseReason,
    },
    /// `with` is the passkey that was used for it, which whoever has one needs.
    AddPasskey {
        passkey_id: PasskeyId,
        credential: Sealed,
        counter: u32,
        backed_up: bool,
        with: Option<PasskeyId>,
    },
    /// It answered a ceremony.
    UsePasskey {
        passkey_id: PasskeyId,
        counter: u32,
        backed_up: bool,
    },
    DropPasskey {
        passkey_id: PasskeyId,
        reason: DropReason,
    },
}
