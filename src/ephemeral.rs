//! Rows that are not history: idempotency records, one-time codes, proofs, sessions, ceremonies, counters. They may be
//! pruned at any time after their end.

pub mod cap;
pub mod ceremony;
pub mod client_requests;
pub mod code;
pub mod idempotency;
pub mod key_use;
pub mod proof;
pub mod session;
