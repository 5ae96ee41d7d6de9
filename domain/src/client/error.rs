//! Why a command on a client is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("the client exists already")]
    AlreadyExists,
}
