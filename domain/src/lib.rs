//! The rules of mobid.
//!
//! Promises: decisions are pure functions of (state, stamped command); events are facts with permanent names;
//! no IO, no clock, no randomness. Time, ids and sealed personal data come from the edge.

pub mod actor;
mod canonical;
pub mod client;
pub mod consent;
pub mod device;
pub mod enrollment;
pub mod event;
pub mod fido;
#[cfg(test)]
mod frozen;
pub mod handle;
pub mod id;
pub mod leaf;
pub mod person;
pub mod plain;
pub mod proof;
pub mod qr;
pub mod recorded;
pub mod report;
pub mod rfc3339;
pub mod sealed;
pub mod slug;
pub mod stamped;
pub mod upcast;
pub mod webhook;
