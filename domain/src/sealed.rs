//! Personal data as events and read models carry it: sealed, opaque, bound to where it was sealed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Sealed bytes as text: base64url of version, key id, nonce and ciphertext. Only the vault makes and opens one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A sealed value outside its event: state and read models keep the event type with it, since the seal is bound
/// to (tenant, aggregate id, event type, field).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedIn {
    #[serde(rename = "in")]
    pub event_type: Cow<'static, str>,
    pub sealed: Sealed,
}

impl SealedIn {
    pub fn new(event_type: &'static str, sealed: Sealed) -> Self {
        Self { event_type: event_type.into(), sealed }
    }
}
