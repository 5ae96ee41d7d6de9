//! Why a command on a person's record is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    #[error("the person does not exist")]
    NotFound,
    #[error("the person exists already")]
    AlreadyExists,
    #[error("only the person themselves can do this")]
    NotThePerson,
    #[error("who has a passkey needs it to add another")]
    PasskeyNeeded,
    #[error("the person has as many passkeys as one may have")]
    TooManyPasskeys,
    #[error("there is no such passkey, or it was dropped")]
    NoPasskey,
    #[error("the handle was released")]
    Released,
}
