//! Why a command on a login is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error("the attempt came to something already")]
    AlreadyOver,
    #[error("the time to log in is over")]
    TooLate,
    #[error("only its client, or who logs in on a hosted page, can say what it came to")]
    NotTheClient,
}
