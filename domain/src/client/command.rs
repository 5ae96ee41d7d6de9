//! What can be asked of a client.

use super::event::Created;

#[derive(Debug, Clone, PartialEq)]
pub enum ClientCommand {
    /// A new client, but for `at`, which is the stamp's.
    Create(Box<Created>),
}
