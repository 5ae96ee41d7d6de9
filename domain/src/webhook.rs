//! A webhook endpoint: where a client wants to hear of events, and which ones.
//!
//! ```text
//! (create) active ─ disable (gone, or failed for too long) ─→ disabled
//!             └──── delete ──→ deleted ←── delete ───────────────┘
//! ```
//!
//! Leaves to others: which address may be called and how a delivery is signed and retried (the sender).

mod aggregate;
mod command;
mod error;
mod event;
mod event_type;
#[cfg(test)]
mod spec;

pub use aggregate::{Endpoint, Registration, Status};
pub use command::EndpointCommand;
pub use error::EndpointError;
pub use event::{Created, DisabledReason, EndpointEvent};
pub use event_type::EventType;
