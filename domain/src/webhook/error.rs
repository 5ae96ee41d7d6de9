//! Why a command on an endpoint is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("the endpoint does not exist")]
    NotFound,
    #[error("the endpoint exists already")]
    AlreadyExists,
    #[error("only its client can do this")]
    NotTheClient,
}
