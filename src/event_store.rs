//! The only place that appends to the log.
//!
//! Promises: an acknowledged command is in the log, once; a command whose fate was lost with a connection is
//! settled, not guessed; whatever commits with events (claims, idempotency records) commits with them or not at all.
//! Leaves to others: the rules (domain), following the log (projections).

mod appender;
mod batch;
mod cache;
mod claims;
mod context;
mod cqrs;
mod head;
mod line;
mod store;

pub use appender::{AppendError, Appended};
pub use batch::{Claim, IdempotencyRecord};
pub use context::CommandContext;
pub use head::{HeadReader, Heads};
pub use store::{EventStore, ExecuteError, Executed, Terms};
