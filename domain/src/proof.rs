//! What a passkey signed, as the log keeps it for whoever wants to verify it.

use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;

/// A passkey's signature over a text; bytes are in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The canonical text.
    pub text: Sealed,
    pub client_data: Sealed,
    pub public_key: Sealed,
    pub nonce: String,
    pub authenticator_data: String,
    pub signature: String,
}

#[cfg(test)]
impl Proof {
    pub(crate) fn sample() -> Self {
        let sealed = |text: &str| Sealed(text.to_owned());
        Self {
            text: sealed("text"),
            client_data: sealed("client data"),
            public_key: sealed("key"),
            nonce: "AQID".to_owned(),
            authenticator_data: "AQIE".to_owned(),
            signature: "AQIF".to_owned(),
        }
    }
}
