//! A device: a passkey, and what is known of the authenticator that holds it.
//!
//! ```text
//!              block, or a counter that went back
//! (register) active ─────────────────────────────▶ blocked
//!              │  ◀──────────── unblock ─────────────┤
//!              └─────────▶ deregistered ◀────────────┘
//! ```
//! It is used while it is active. An authenticator counts its signatures: one that counts backwards may have been
//! copied, and its device is blocked. Authenticators that do not count say nought for ever.
//!
//! Leaves to others: whether a signature holds (the server), and whose login it was (`fido`).

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Block, Device, Known, Standing, Status};
pub use command::{DeviceCommand, Use};
pub use error::DeviceError;
pub use event::{BlockedBecause, DeviceEvent, Holder, Registered};
