//! Why a command on an enrollment is refused.

use super::aggregate::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrollmentError {
    #[error("the enrollment does not exist")]
    NotFound,
    #[error("the enrollment exists already")]
    AlreadyExists,
    #[error("the enrollment is {0} and can no longer change")]
    AlreadyClosed(Status),
    #[error("the enrollment is {0}, which this needs it not to be")]
    WrongStatus(Status),
    #[error("only the recipient can do this")]
    NotTheRecipient,
    #[error("only the client that asked can do this")]
    NotTheClient,
    #[error("this is not the device that was registered")]
    AnotherDevice,
}
