//! `/v1/enrollments`.

pub mod cancel;
pub mod create;
pub mod described;
pub mod list;
mod present;
pub mod retrieve;
mod values;
pub mod verify;
