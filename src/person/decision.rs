//! A decision by passkey, as a proof: what was decided is written down, and the passkey signs that and nothing else.
//!
//! The challenge is SHA-256(domain ‖ 0 ‖ nonce ‖ SHA-256(text)), the text being JSON with sorted keys and without white
//! space. Whoever has the text, the nonce and what the passkey answered finds out by themselves that it was this text.

use chrono::{DateTime, SecondsFormat, Utc};
use mobid_domain::consent::{ConsentEvent, Session};
use mobid_domain::event::canonical_text;
use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, ConsentId};
use mobid_domain::proof::Proof;
use mobid_domain::slug::Slug;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Trouble;
use super::passkey::Kept;
use crate::vault::{DataKey, Place};
use crate::webauthn::{Assertion, Challenge};

/// What tells such a challenge from any other.
pub const DOMAIN: &str = "mobid/consent-decision/v1";

/// What somebody decides, about what, and until when.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Text<'a> {
    pub resource: ConsentId,
    /// Which version of it was shown.
    pub sequence: i64,
    pub client_id: ClientId,
    /// As it was shown.
    pub client_name: &'a str,
    pub recipient: &'a str,
    pub purpose: &'a Slug,
    /// What is granted; nothing where nothing is.
    pub granted_scope: &'a [Slug],
    pub action: &'a str,
    #[serde(serialize_with = "seconds")]
    pub expires_at: DateTime<Utc>,
}

pub(super) fn seconds<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A text that a passkey is asked to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub text: String,
    pub nonce: [u8; 32],
}

/// What a passkey signs that is asked to sign this text.
pub(super) fn challenge(domain: &str, nonce: &[u8; 32], text: &str) -> Challenge {
    let text = Sha256::digest(text.as_bytes());
    let parts: [&[u8]; 4] = [domain.as_bytes(), &[0], nonce, &text];
    parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
}

impl<'a> Text<'a> {
    pub fn new(
        (resource, sequence): (ConsentId, i64),
        session: &'a Session,
        (client_name, recipient): (&'a str, &'a Handle),
        (action, granted_scope): (&'a str, &'a [Slug]),
    ) -> Self {
        let request = &session.request;
        Self {
            resource,
            sequence,
            client_id: request.client_id,
            client_name,
            recipient: recipient.as_str(),
            purpose: &request.purpose,
            granted_scope,
            action,
            expires_at: request.expires_at,
        }
    }
}

impl Asked {
    pub fn new(text: &Text<'_>) -> Result<Self, Trouble> {
        Ok(Self { text: canonical_text(text)?, nonce: crate::secret::random() })
    }

    /// What the passkey signs.
    pub fn challenge(&self) -> Challenge {
        challenge(DOMAIN, &self.nonce, &self.text)
    }

    /// What is kept of the answer, for whoever wants to verify it: what is personal in it sealed.
    pub fn proof(
        &self,
        answer: &Assertion,
        kept: &Kept,
        (id, session, key): (ConsentId, &Session, &DataKey),
    ) -> Result<Proof, Trouble> {
        let place = Place {
            tenant: session.request.client_id,
            aggregate_id: &id.to_string(),
            event_type: ConsentEvent::PROVED,
            field: "",
        };
        sealed((&self.text, &self.nonce), answer, kept, (place, key))
    }
}

/// What is kept of an answer to such a challenge, for whoever wants to verify it: what is personal in it sealed, each
/// field in its own place there.
pub(super) fn sealed(
    (text, nonce): (&str, &[u8; 32]),
    answer: &Assertion,
    kept: &Kept,
    (place, key): (Place<'_>, &DataKey),
) -> Result<Proof, Trouble> {
    let place = |field| Place { field, ..place };
    let (client_data, authenticator_data, signature) = answer.signed();
    Ok(Proof {
        text: key.seal(&place("text"), text.as_bytes())?,
        client_data: key.seal(&place("clientData"), client_data)?,
        // The same wherever the person decides: not for the log to tell.
        public_key: key.seal(&place("publicKey"), &kept.credential.public_key)?,
        nonce: base64url(nonce),
        authenticator_data: base64url(authenticator_data),
        signature: base64url(signature),
    })
}

pub fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python has it: `sha256(b"mobid/consent-decision/v1" + b"\0" + b"\x07" * 32 + sha256(b"{}").digest())`.
    #[test]
    fn the_challenge_is_what_an_independent_program_computes() {
        let asked = Asked { text: "{}".to_owned(), nonce: [7; 32] };
        assert_eq!(
            crate::hex::hex(&asked.challenge()),
            "07b466018e03ffba08a4aeffb5cb6106e8e9bb7c685695bdddcae9bb6421144c"
        );
    }

    #[test]
    fn another_text_or_nonce_is_another_challenge() {
        let asked = Asked { text: "{}".to_owned(), nonce: [7; 32] };
        assert_ne!(Asked { text: "{ }".to_owned(), ..asked.clone() }.challenge(), asked.challenge());
        assert_ne!(Asked { nonce: [8; 32], ..asked.clone() }.challenge(), asked.challenge());
    }
}
