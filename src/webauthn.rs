//! Passkeys (W3C Web Authentication Level 3): registering one and being shown one, without saying whose it is.
//!
//! Promises: options and answers are the JSON of `parseCreationOptionsFromJSON` and `toJSON()`; user verification is
//! always required; every failure has a [`Reason`](mobid_domain::fido::Reason); what is kept of a credential is its id
//! and its `COSE_Key`, which any library reads. Leaves to others: where ceremonies wait (`ephemeral::ceremony`), whose
//! a credential is, and whether its counter went back: that is decided on the device's newest state, in the domain.

mod assertion;
mod credential;
mod es256;
mod reason;
mod registration;
mod relying_party;

pub use assertion::{Allowed, Assertion, Authentication, Shown};
pub use credential::Credential;
pub use registration::{Attestation, BeginError, NewUser, Registered, Registration};
pub use relying_party::{NoRelyingParty, RelyingParty, is_related};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 bytes that an authenticator signs.
pub type Challenge = [u8; 32];

/// What cannot be read as an answer of `toJSON()` at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the JSON of a public key credential")]
pub struct Unreadable;

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The handle that an authenticator knows a user by: says nothing to who has no master key, and is the same for all
/// of a user's passkeys.
pub fn user_handle(master: &crate::vault::MasterKey, scope: &str, user: &str) -> uuid::Uuid {
    let hash = master.hmac("mobid/user-handle", &[scope.as_bytes(), user.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// How a credential is found again, within a scope: nothing is learnt from it without the master key.
pub fn credential_hash(master: &crate::vault::MasterKey, scope: &str, credential_id: &[u8]) -> [u8; 32] {
    master.hmac("mobid/credential", &[scope.as_bytes(), credential_id])
}
