//! A client: a tenant, the company that calls the API, and its key.
//!
//! For now there is the owner, made at the first start. Leaves to others: how a key looks and is hashed (http).

mod aggregate;
mod command;
mod error;
mod event;
mod permission;
#[cfg(test)]
mod spec;

pub use aggregate::{Account, Client};
pub use command::ClientCommand;
pub use error::ClientError;
pub use event::{ClientEvent, Created, Plan};
pub use permission::Permission;
