//! The state of a client.

use serde::{Deserialize, Serialize};

use super::command::ClientCommand;
use super::error::ClientError;
use super::event::{ClientEvent, Created};
use crate::event::{Decider, aggregate};
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Client {
    Account(Box<Account>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    #[serde(flatten)]
    pub created: Created,
}

impl Account {
    pub fn callback_secret(&self) -> SealedIn {
        SealedIn::new(ClientEvent::CREATED, self.created.callback_secret.clone())
    }
}

impl Client {
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Created(created) => *self = Self::Account(Box::new(Account { created: *created })),
        }
    }
}

impl Decider for Client {
    type Order = ClientCommand;

    fn decide(&self, stamped: &Stamped<ClientCommand>) -> Result<Vec<ClientEvent>, ClientError> {
        match (self, &stamped.command) {
            (Self::Absent, ClientCommand::Create(created)) => {
                Ok(vec![ClientEvent::Created(Box::new(Created { at: stamped.at, ..(**created).clone() }))])
            }
            (Self::Account(_), ClientCommand::Create(_)) => Err(ClientError::AlreadyExists),
        }
    }
}

aggregate!(Client, "client", ClientCommand, ClientEvent, ClientError);
