//! A client: a tenant, the company that calls the API, and its key.
//!
//! The owner is made at the first start and manages the others. Leaves to others: how a key looks and is hashed (http),
//! and who may ask for what.

mod aggregate;
mod command;
mod error;
mod event;
mod permission;
mod plan;
#[cfg(test)]
mod spec;

pub use aggregate::{Account, Client, EarlierKey, EarlierSecret, Standing, Status};
pub use command::{ClientCommand, Update};
pub use error::ClientError;
pub use event::{Changes, ClientEvent, Created, Key, Updated};
pub use permission::Permission;
pub use plan::{Limits, Plan};
