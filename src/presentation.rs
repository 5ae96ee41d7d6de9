//! Resources as their client sees them, in an answer as in a delivery: what is sealed is opened here, and what was
//! erased reads so.

pub mod client;
pub mod consent;
pub mod device;
pub mod enrollment;
pub mod login;
pub mod proof;
pub mod qr;
pub mod report;
pub mod webhook;

/// What stands where erased data stood.
pub const ERASED: &str = "[erased]";
