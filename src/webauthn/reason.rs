//! What webauthn-rs says of a failure, in our words.

use mobid_domain::fido::Reason;
use webauthn_rs::prelude::WebauthnError;

/// Whatever has no word of its own is data that do not hold together, as a signature that does not.
pub(super) fn of(error: &WebauthnError) -> Reason {
    match error {
        WebauthnError::MismatchedChallenge
        | WebauthnError::InvalidClientDataType
        | WebauthnError::ChallengeNotFound => Reason::ChallengeMismatch,
        WebauthnError::InvalidRPOrigin | WebauthnError::CredentialCrossOrigin => Reason::OriginMismatch,
        WebauthnError::InvalidRPIDHash => Reason::RpIdMismatch,
        WebauthnError::UserNotPresent | WebauthnError::UserNotVerified => Reason::UserNotVerified,
        WebauthnError::CredentialNotFound | WebauthnError::InvalidUserUniqueId => Reason::UnknownCredential,
        WebauthnError::CredentialPossibleCompromise => Reason::CounterRegressed,
        _ => Reason::SignatureInvalid,
    }
}
