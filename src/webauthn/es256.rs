//! What nearly every authenticator signs with, verified with ring: a quarter of what webauthn-rs's own arithmetic takes,
//! and that is most of what a login costs.
//!
//! The steps of Web Authentication Level 3, section 7.2, for ECDSA with SHA-256 on P-256. Everything else goes to
//! webauthn-rs, which a test holds this against.

use std::borrow::Cow;

use mobid_domain::fido::Reason;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use serde_cbor_2::Value as Cbor;
use sha2::{Digest, Sha256};

use super::Shown;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;

/// An uncompressed point (SEC 1, section 2.3.3).
pub(super) struct Key([u8; 65]);

/// What is expected of an answer.
pub(super) struct Expected<'a> {
    pub challenge: &'a str,
    pub origins: &'a [String],
    pub rp_id: &'a str,
    /// It was so before, and stays so.
    pub backup_eligible: bool,
}

/// What was answered, as bytes.
pub(super) struct Answer<'a> {
    pub client_data: &'a [u8],
    pub authenticator_data: &'a [u8],
    pub signature: &'a [u8],
}

#[derive(Deserialize)]
struct ClientData<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: Option<bool>,
}

impl Key {
    /// None if the `COSE_Key` is another kind of key (RFC 9053, section 7.1.1).
    pub fn read(cose_key: &[u8]) -> Option<Self> {
        let Ok(Cbor::Map(fields)) = serde_cbor_2::from_slice(cose_key) else { return None };
        let field = |label: i128| fields.get(&Cbor::Integer(label));
        let is = |label, value| field(label) == Some(&Cbor::Integer(value));
        // EC2, ES256, P-256
        if !(is(1, 2) && is(3, -7) && is(-1, 1)) {
            return None;
        }
        let (Some(Cbor::Bytes(x)), Some(Cbor::Bytes(y))) = (field(-2), field(-3)) else { return None };
        let mut point = [4; 65];
        if x.len() != 32 || y.len() != 32 {
            return None;
        }
        point[1..33].copy_from_slice(x);
        point[33..].copy_from_slice(y);
        Some(Self(point))
    }

    /// Nothing of an answer is believed before all of it holds.
    pub fn verify(&self, answer: &Answer<'_>, expected: &Expected<'_>) -> Result<Shown, Reason> {
        check_client_data(answer.client_data, expected)?;
        let (flags, sign_count) = read_authenticator_data(answer.authenticator_data, expected)?;
        let signed = [answer.authenticator_data, &Sha256::digest(answer.client_data)].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0)
            .verify(&signed, answer.signature)
            .map_err(|_| Reason::SignatureInvalid)?;
        Ok(Shown {
            sign_count,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            backed_up: flags & BACKED_UP != 0,
            user_verified: flags & USER_VERIFIED != 0,
        })
    }
}

/// Steps 7 to 14.
fn check_client_data(json: &[u8], expected: &Expected<'_>) -> Result<(), Reason> {
    let data: ClientData<'_> = serde_json::from_slice(json).map_err(|_| Reason::SignatureInvalid)?;
    let same_challenge = crate::secret::equal(data.challenge.as_bytes(), expected.challenge.as_bytes());
    if data.kind != "webauthn.get" || !same_challenge {
        return Err(Reason::ChallengeMismatch);
    }
    let is_ours = expected.origins.iter().any(|origin| *origin == data.origin);
    if !is_ours || data.cross_origin == Some(true) {
        return Err(Reason::OriginMismatch);
    }
    Ok(())
}

/// Steps 15 to 19; flags and signature counter (section 6.1).
fn read_authenticator_data(data: &[u8], expected: &Expected<'_>) -> Result<(u8, u32), Reason> {
    let (rp_id_hash, rest) = data.split_at_checked(32).ok_or(Reason::SignatureInvalid)?;
    let [flags, counter @ ..] = *rest.first_chunk::<5>().ok_or(Reason::SignatureInvalid)?;
    if rp_id_hash != Sha256::digest(expected.rp_id.as_bytes()).as_slice() {
        return Err(Reason::RpIdMismatch);
    }
    if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
        return Err(Reason::UserNotVerified);
    }
    let (eligible, backed_up) = (flags & BACKUP_ELIGIBLE != 0, flags & BACKED_UP != 0);
    if !eligible && (backed_up || expected.backup_eligible) {
        return Err(Reason::SignatureInvalid);
    }
    Ok((flags, u32::from_be_bytes(counter)))
}
