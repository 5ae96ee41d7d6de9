//! The fields of the FIDO routes, as a client may write them.

use mobid_domain::id::CeremonyId;
use serde_json::Value;

use crate::http::fields::{Invalid, text};
use crate::webauthn::{Assertion, Attestation};

pub(super) const MAX_USER_ID: usize = 255;
pub(super) const MAX_NAME: usize = 255;
pub(super) const MAX_DEVICE_NAME: usize = 100;

pub fn user_id(value: &Value) -> Result<String, Invalid> {
    text(value, "invalid_user_id", MAX_USER_ID).map(str::to_owned)
}

pub fn name(value: &Value, code: &str) -> Result<String, Invalid> {
    text(value, code, MAX_NAME).map(str::to_owned)
}

pub fn device_name(value: &Value) -> Result<String, Invalid> {
    text(value, "invalid_device_name", MAX_DEVICE_NAME).map(str::to_owned)
}

pub fn session_id(value: &Value) -> Result<CeremonyId, Invalid> {
    let invalid =
        || Invalid::new("invalid_session_id", "It must be the sessionId that a begin answered with.");
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(invalid)
}

fn invalid_credential() -> Invalid {
    Invalid::new("invalid_credential", "It must be the JSON of toJSON() of a PublicKeyCredential.")
}

pub fn attestation(value: &Value) -> Result<Attestation, Invalid> {
    Attestation::read(value).map_err(|_| invalid_credential())
}

pub fn assertion(value: &Value) -> Result<Assertion, Invalid> {
    Assertion::read(value).map_err(|_| invalid_credential())
}
