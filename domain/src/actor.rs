//! Who gave a command.

use crate::id::{ClientId, PersonId, UserId};

/// Who gave a command; kept in every event's metadata as `actorKind` and `actorId`.
///
/// An API key makes a [`Actor::Client`], whatever it asks for: only a proof given on a hosted page makes a
/// [`Actor::Recipient`], which is what the rules ask for where a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Client(ClientId),
    Recipient(UserId),
    /// Somebody on a hosted page, in what is their own and no client's.
    Person(PersonId),
    System(&'static str),
}

impl Actor {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Recipient(_) => "recipient",
            Self::Person(_) => "person",
            Self::System(_) => "system",
        }
    }

    pub fn id(&self) -> String {
        match self {
            Self::Client(id) => id.to_string(),
            Self::Recipient(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::System(name) => (*name).to_owned(),
        }
    }
}
