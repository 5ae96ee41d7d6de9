//! Why a command on a client is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("the client exists already")]
    AlreadyExists,
    #[error("there is no such client")]
    NotFound,
    /// Nobody could manage the others any more.
    #[error("the owner stays active, with every permission")]
    OwnerStays,
    #[error("only an enterprise has limits of its own")]
    LimitsOfAPlan,
}
