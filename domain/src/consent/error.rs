//! Why a command on a consent is refused.

use super::status::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    #[error("the consent does not exist")]
    NotFound,
    #[error("the consent exists already")]
    AlreadyExists,
    #[error("the consent is {0} and can no longer change")]
    AlreadyClosed(Status),
    #[error("the consent is {0}, which this needs it not to be")]
    WrongStatus(Status),
    #[error("only the recipient can decide")]
    NotTheRecipient,
    #[error("only the client that asked can do this")]
    NotTheClient,
    #[error("the client demands a passkey")]
    PasskeyRequired,
    #[error("more was granted than was asked for")]
    ScopeNotAsked,
}
