//! The read model of consents.

pub mod apply;
pub mod query;
