//! Follows the log and writes rows: read models, deadlines, webhook deliveries.
//!
//! Promises: a follower applies a batch and its checkpoint in one transaction, so it applies each event once, in
//! order, also when two instances believe that they hold its lease. Leaves to others: appending (`event_store`),
//! sending (workers), answering requests (http).

pub mod client;
pub mod consent;
pub mod device;
pub mod dropped_passkey;
pub mod enrollment;
pub mod expiry;
pub mod notice;
pub mod projection;
pub mod registry;
pub mod report;
pub mod stream;
pub mod webhook;
