//! A new passkey (Web Authentication Level 3, section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobid_domain::fido::Reason;
use serde::{Deserialize, Serialize};
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

use super::{Challenge, Credential, RelyingParty, Unreadable, base64url, reason};

/// Where the state of webauthn-rs has its challenge: it has no other way to be given one, so this is pinned to its
/// version, and a test says so.
const CHALLENGE: &str = "/rs/challenge";
/// In authenticator data: after the hash of the RP id, the flags and the counter.
const AAGUID: usize = 32 + 1 + 4;
/// Of a credential's id, in bytes (7.1: a larger one is to be refused).
const LONGEST_ID: usize = 1023;
/// Of a `COSE_Key`: an RSA key of 8192 bits is half of it. It is kept for ever, and read with every login.
const LONGEST_KEY: usize = 2 << 10;

/// Whom a new passkey is for, as their authenticator shows them.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    pub handle: Uuid,
    pub name: &'a str,
    pub display_name: &'a str,
}

/// A registration under way, to be kept until the answer comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registration(Value);

/// What a browser or app answered.
#[derive(Debug, Clone)]
pub struct Attestation(RegisterPublicKeyCredential);

/// A passkey that was proved to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub credential: Credential,
    /// The authenticator's model; nil if it does not say.
    pub aaguid: Uuid,
    /// How to reach it, as the browser says.
    pub transports: Vec<String>,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
}

impl RelyingParty {
    /// The `publicKey` for a browser, and what is to be kept. Without a challenge of the caller's own, a random one. An
    /// authenticator that has a credential which is excluded says so; that none is registered twice is for the caller.
    pub fn begin_registration(
        &self,
        user: NewUser<'_>,
        exclude: Vec<Vec<u8>>,
        challenge: Option<Challenge>,
    ) -> Result<(Value, Registration), BeginError> {
        let (options, state) =
            self.webauthn.start_passkey_registration(user.handle, user.name, user.display_name, None)?;
        let (mut options, mut state) = (json!(options.public_key), serde_json::to_value(&state)?);
        let exclude = exclude.into_iter().map(|id| json!({ "type": "public-key", "id": base64url(&id) }));
        options["excludeCredentials"] = Value::Array(exclude.collect());
        // So that who has it can log in without saying who they are.
        options["authenticatorSelection"]["residentKey"] = json!("preferred");
        if let Some(challenge) = challenge {
            let text = json!(base64url(&challenge));
            *state.pointer_mut(CHALLENGE).ok_or(BeginError::Layout)? = text.clone();
            options["challenge"] = text;
        }
        Ok((options, Registration(state)))
    }

    pub fn finish_registration(
        &self,
        registration: Registration,
        answer: &Attestation,
    ) -> Result<Registered, Reason> {
        let state: PasskeyRegistration =
            serde_json::from_value(registration.0).map_err(|_| Reason::SessionExpired)?;
        let passkey = self.webauthn.finish_passkey_registration(&answer.0, &state);
        let known: webauthn_rs::prelude::Credential = passkey.map_err(|error| reason::of(&error))?.into();
        let (aaguid, public_key) =
            attested(&answer.0.response.attestation_object).ok_or(Reason::SignatureInvalid)?;
        let too_large = known.cred_id.len() > LONGEST_ID || public_key.len() > LONGEST_KEY;
        if known.cred_id != answer.0.raw_id || too_large {
            return Err(Reason::SignatureInvalid);
        }
        // Nobody vouches for these, and webauthn-rs keeps them of attested credentials only.
        let transports = answer.0.response.transports.iter().flatten().map(ToString::to_string);
        Ok(Registered {
            transports: transports.filter(|name| name != "unknown" && name != "test").take(8).collect(),
            aaguid,
            backup_eligible: known.backup_eligible,
            backed_up: known.backup_state,
            sign_count: known.counter,
            credential: Credential { id: known.cred_id, public_key },
        })
    }
}

impl Attestation {
    /// The JSON of `toJSON()`.
    pub fn read(json: &Value) -> Result<Self, Unreadable> {
        let read = RegisterPublicKeyCredential::deserialize(json).map_err(|_| Unreadable)?;
        if read.type_ != "public-key" || URL_SAFE_NO_PAD.decode(&read.id).ok().as_ref() != Some(&read.raw_id)
        {
            return Err(Unreadable);
        }
        Ok(Self(read))
    }
}

/// What webauthn-rs verified and does not tell: the model and the `COSE_Key` as it was written.
fn attested(attestation_object: &[u8]) -> Option<(Uuid, Vec<u8>)> {
    let Ok(Cbor::Map(object)) = serde_cbor_2::from_slice(attestation_object) else { return None };
    let Some(Cbor::Bytes(data)) = object.get(&Cbor::Text("authData".to_owned())) else { return None };
    let aaguid = Uuid::from_slice(data.get(AAGUID..AAGUID + 16)?).ok()?;
    let length = data.get(AAGUID + 16..AAGUID + 18)?;
    let key = data.get(AAGUID + 18 + usize::from(u16::from_be_bytes([length[0], length[1]]))..)?;
    let mut reader = serde_cbor_2::Deserializer::from_slice(key);
    Cbor::deserialize(&mut reader).ok()?;
    Some((aaguid, key.get(..reader.byte_offset())?.to_vec()))
}

/// Nothing that anybody asked for can make this happen.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error(transparent)]
    WebAuthn(#[from] webauthn_rs::prelude::WebauthnError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the state of webauthn-rs is not as it was")]
    Layout,
}
