//! What a passkey signed, opened for whoever is to verify it.

use mobid_domain::id::ClientId;
use mobid_domain::proof::Proof;
use mobid_domain::sealed::{Sealed, SealedIn};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ERASED;
use crate::app::App;
use crate::person::decision::base64url;
use crate::vault::{DataKey, SealError};

/// A passkey's answer (Web Authentication Level 3, section 7.2). What it signed is `authenticatorData` ‖
/// SHA-256(`clientDataJSON`); the challenge in `clientDataJSON` is SHA-256(domain ‖ 0 ‖ nonce ‖ SHA-256(text)). Bytes are
/// in base64url.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyProof)]
pub struct ProofBody {
    domain: &'static str,
    /// What was shown and decided: JSON with sorted keys, to be taken as it is.
    #[schema(value_type = String)]
    text: Value,
    nonce: String,
    /// The `COSE_Key` of the passkey (RFC 9052, section 7): the same for every client that its holder decides for.
    #[schema(value_type = String)]
    public_key: Value,
    authenticator_data: String,
    #[schema(value_type = String)]
    #[serde(rename = "clientDataJSON")]
    client_data: Value,
    signature: String,
    /// The domain that the passkey is for.
    rp_id: String,
    /// Of the page where it was used.
    origin: String,
}

/// Opens the proofs of one aggregate.
pub struct Opener<'a> {
    pub app: &'a App,
    pub client: ClientId,
    pub id: String,
    /// Of whom it is; `None` once it was destroyed.
    pub key: Option<&'a DataKey>,
    /// The event that a proof is in.
    pub event_type: &'static str,
    /// What tells its challenge from others.
    pub domain: &'static str,
}

impl Opener<'_> {
    pub fn body(&self, proof: &Proof) -> Result<ProofBody, SealError> {
        let config = &self.app.config;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| SealError::Malformed);
        let encoded = |bytes: Vec<u8>| Ok(base64url(&bytes));
        Ok(ProofBody {
            domain: self.domain,
            text: self.open("text", &proof.text, text)?,
            nonce: proof.nonce.clone(),
            public_key: self.open("publicKey", &proof.public_key, encoded)?,
            authenticator_data: proof.authenticator_data.clone(),
            client_data: self.open("clientData", &proof.client_data, encoded)?,
            signature: proof.signature.clone(),
            rp_id: config.public_host().to_owned(),
            origin: config.public_origin(),
        })
    }

    fn open(
        &self,
        field: &str,
        sealed: &Sealed,
        read: impl FnOnce(Vec<u8>) -> Result<String, SealError>,
    ) -> Result<Value, SealError> {
        let Some(key) = self.key else { return Ok(Value::String(ERASED.to_owned())) };
        let sealed = SealedIn::new(self.event_type, sealed.clone());
        Ok(Value::String(read(key.open_in(self.client, &self.id, field, &sealed)?)?))
    }
}
