//! Why a command on a QR code is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("the QR code does not exist")]
    NotFound,
    #[error("the QR code exists already")]
    AlreadyExists,
    #[error("only the client that shows it can do this")]
    NotTheClient,
    #[error("the QR code has expired")]
    Expired,
    #[error("the QR code has ended")]
    Ended,
    #[error("the QR code is not one of a login")]
    NotALogin,
    #[error("no client enters a number, or declines, in a person's place")]
    NotOnThePage,
}
