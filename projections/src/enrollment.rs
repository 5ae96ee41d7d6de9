//! The read model of enrollments.

pub mod apply;
pub mod query;
