//! How a delivery is signed: so that a subscriber can tell that it is ours, whole and fresh.
//!
//! Two schemes go out together. Standard Webhooks signs `id.timestamp.body` with the bytes that a `whsec_…` secret
//! encodes. The vendor's scheme signs the raw body alone, keyed with the text of the callback secret just as the
//! client was shown it, `whsec_` included, and is written in lower-case hex.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;

use crate::hex::hex;
use crate::vault::new_hmac;

const PREFIX: &str = "whsec_";

/// The text is not a `whsec_<base64>` secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing secret is not of the form whsec_<base64>")]
pub struct MalformedSecret;

/// The value of `webhook-signature` (Standard Webhooks, symmetric).
pub fn standard(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, MalformedSecret> {
    let encoded = secret.strip_prefix(PREFIX).ok_or(MalformedSecret)?;
    let key = zeroize::Zeroizing::new(STANDARD.decode(encoded).map_err(|_| MalformedSecret)?);
    let mut mac = new_hmac(&key);
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The value of `X-Webhook-Signature`.
pub fn vendor(callback_secret: &str, body: &[u8]) -> String {
    let mut mac = new_hmac(callback_secret.as_bytes());
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_vector_is_met() {
        // standard-webhooks/standard-webhooks, libraries/rust/src/lib.rs, test_sign
        let signature = standard(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            br#"{"email":"test@example.com","username":"test_user"}"#,
        );
        assert_eq!(signature.unwrap(), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn the_published_crate_agrees() {
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        let body = "{\"name\":\"Ünïcode\"}";
        let theirs =
            standardwebhooks::Webhook::new(&secret).unwrap().sign("evt_1", 12, body.as_bytes()).unwrap();
        assert_eq!(standard(&secret, "evt_1", 12, body.as_bytes()).unwrap(), theirs);
    }

    #[test]
    fn a_secret_has_its_form() {
        assert_eq!(standard("secret", "evt_1", 1, b""), Err(MalformedSecret));
        assert_eq!(standard("whsec_!", "evt_1", 1, b""), Err(MalformedSecret));
    }

    #[test]
    fn the_vendors_scheme_is_the_hmac_of_the_body_in_hex() {
        // RFC 4231, test case 2
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(vendor("Jefe", b"what do ya want for nothing?"), expected);
    }
}
