//! What is kept of a credential, in forms that outlive any library: its id, and its public key as a `COSE_Key`
//! (RFC 9052, section 7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobid_domain::fido::Reason;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_cbor_2::Value;
use webauthn_rs::prelude::{AttestationFormat, COSEKey, Credential as Known, ParsedAttestation};

/// Enough to verify what its authenticator signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub id: Vec<u8>,
    /// The `COSE_Key` as the authenticator wrote it.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub public_key: Vec<u8>,
}

fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&super::base64url(bytes))
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(de::Error::custom)
}

impl Credential {
    /// As JSON, to be sealed.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    pub fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// As webauthn-rs knows one. Its counter is nought: whether a counter went back is decided elsewhere, on a state
    /// that nobody can have changed meanwhile.
    pub(super) fn known(&self, backup_eligible: bool) -> Result<Known, Reason> {
        let unreadable = |_| Reason::SignatureInvalid;
        let key: Value = serde_cbor_2::from_slice(&self.public_key).map_err(|_| Reason::SignatureInvalid)?;
        Ok(Known {
            cred_id: self.id.clone(),
            cred: COSEKey::try_from(&key).map_err(unreadable)?,
            counter: 0,
            transports: None,
            user_verified: true,
            backup_eligible,
            backup_state: false,
            registration_policy: serde_json::from_value("required".into())
                .map_err(|_| Reason::SignatureInvalid)?,
            extensions: serde_json::from_value(serde_json::json!({}))
                .map_err(|_| Reason::SignatureInvalid)?,
            attestation: ParsedAttestation::default(),
            attestation_format: AttestationFormat::None,
        })
    }
}
