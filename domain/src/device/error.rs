//! Why a command on a device is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error("the device does not exist")]
    NotFound,
    #[error("the device exists already")]
    AlreadyExists,
    #[error("only whoever registered it can do this")]
    NotItsHolder,
    #[error("the device is blocked")]
    Blocked,
    #[error("the device is deregistered")]
    Deregistered,
}
