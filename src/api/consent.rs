//! `/v1/service/consents`.

pub mod create;
pub mod described;
pub mod events;
pub mod evidence;
pub mod history;
pub mod list;
pub mod present;
pub mod retrieve;
pub mod revoke;
pub mod summary;
pub mod update;
mod values;
