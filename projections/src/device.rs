//! The read model of devices.

pub mod apply;
pub mod query;
