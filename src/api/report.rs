//! Reports of abuse: what persons say of clients, for the owner of the service.

pub mod described;
pub mod list;
