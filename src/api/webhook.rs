//! `/v1/webhooks`.

pub mod create;
pub mod delete;
pub mod described;
pub mod event_types;
pub mod list;
pub mod retrieve;
mod values;
