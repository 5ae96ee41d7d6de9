//! Being shown a passkey (Web Authentication Level 3, section 7.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobid_domain::fido::Reason;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use super::es256::{Answer, Expected, Key};
use super::{Challenge, Credential, RelyingParty, Unreadable, base64url, reason};
use crate::ephemeral::ceremony;

/// Bytes of any one thing that an authenticator or browser says: a proof of a decision is kept for ever.
const LONGEST: usize = 8 << 10;

/// An authentication under way, to be kept until the answer comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// What is to be signed, in base64url.
    challenge: String,
}

/// What a browser or app answered.
#[derive(Debug, Clone)]
pub struct Assertion(PublicKeyCredential);

/// A credential that could be shown, for a browser to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub id: Vec<u8>,
    pub transports: Vec<String>,
}

/// What an authenticator said of itself and its user, and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// Always so: what does not say it has failed.
    pub user_verified: bool,
}

impl RelyingParty {
    /// The `publicKey` for a browser, and what is to be kept. With nothing allowed by name, whoever is at the device
    /// chooses (discoverable credentials). Without a challenge of the caller's own, a random one.
    pub fn begin_authentication(
        &self,
        allowed: &[Allowed],
        challenge: Option<Challenge>,
    ) -> (Value, Authentication) {
        let challenge = base64url(&challenge.unwrap_or_else(crate::secret::random));
        let allowed: Vec<_> = allowed.iter().map(Allowed::descriptor).collect();
        let options = json!({
            "challenge": challenge,
            "timeout": ceremony::GOOD.num_milliseconds(),
            "rpId": self.id,
            "allowCredentials": allowed,
            "userVerification": "required",
        });
        (options, Authentication { challenge })
    }

    /// Whether an answer was signed by this credential, for what was asked. A credential that could be backed up once
    /// stays one that can; one that could not may become one.
    pub fn finish_authentication(
        &self,
        authentication: &Authentication,
        answer: &Assertion,
        credential: &Credential,
        backup_eligible: bool,
    ) -> Result<Shown, Reason> {
        if let Some(key) = Key::read(&credential.public_key) {
            let (client_data, authenticator_data, signature) = answer.signed();
            let expected = Expected {
                challenge: &authentication.challenge,
                origins: &self.origins,
                rp_id: &self.id,
                backup_eligible,
            };
            return key.verify(&Answer { client_data, authenticator_data, signature }, &expected);
        }
        if answer.is_cross_origin() {
            return Err(Reason::OriginMismatch);
        }
        let known = credential.known(backup_eligible || answer.says_backup_eligible())?;
        let shown = self
            .webauthn
            .finish_discoverable_authentication_v2(&answer.0, authentication.state()?, known)
            .map_err(|error| reason::of(&error))?;
        Ok(Shown {
            sign_count: shown.counter(),
            backup_eligible: shown.backup_eligible(),
            backed_up: shown.backup_state(),
            user_verified: shown.user_verified(),
        })
    }
}

impl Allowed {
    fn descriptor(&self) -> Value {
        let mut descriptor = json!({ "type": "public-key", "id": base64url(&self.id) });
        if !self.transports.is_empty() {
            descriptor["transports"] = json!(self.transports);
        }
        descriptor
    }
}

impl Authentication {
    /// As webauthn-rs would have kept it. It offers no way to name a challenge, and what it keeps holds the
    /// credentials as they were then: so this is pinned to its version, and a test says so.
    fn state(&self) -> Result<DiscoverableAuthentication, Reason> {
        let state = json!({ "ast": {
            "credentials": [],
            "policy": "required",
            "challenge": self.challenge,
            "appid": null,
            "allow_backup_eligible_upgrade": true,
        } });
        serde_json::from_value(state).map_err(|_| Reason::SessionExpired)
    }
}

impl Assertion {
    /// The JSON of `toJSON()`.
    pub fn read(json: &Value) -> Result<Self, Unreadable> {
        let read = PublicKeyCredential::deserialize(json).map_err(|_| Unreadable)?;
        if read.type_ != "public-key" || URL_SAFE_NO_PAD.decode(&read.id).ok().as_ref() != Some(&read.raw_id)
        {
            return Err(Unreadable);
        }
        let read = Self(read);
        let (client_data, authenticator_data, signature) = read.signed();
        let longest = client_data.len().max(authenticator_data.len()).max(signature.len());
        if longest > LONGEST { Err(Unreadable) } else { Ok(read) }
    }

    pub fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }

    /// Whom the authenticator believes to be showing it, if it says.
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.0.get_user_unique_id()
    }

    /// The parts that a third party needs to verify it: client data, authenticator data, signature.
    pub fn signed(&self) -> (&[u8], &[u8], &[u8]) {
        let response = &self.0.response;
        (&response.client_data_json, &response.authenticator_data, &response.signature)
    }

    /// The flag of that name, which is signed like the rest (section 6.1).
    fn says_backup_eligible(&self) -> bool {
        self.0.response.authenticator_data.get(32).is_some_and(|flags| flags & 0x08 != 0)
    }

    /// From a page in a frame of another origin, which webauthn-rs would let pass (section 7.2, step 14).
    fn is_cross_origin(&self) -> bool {
        #[derive(Deserialize)]
        struct ClientData {
            #[serde(default, rename = "crossOrigin")]
            cross_origin: bool,
        }
        serde_json::from_slice::<ClientData>(&self.0.response.client_data_json)
            .is_ok_and(|data| data.cross_origin)
    }
}
