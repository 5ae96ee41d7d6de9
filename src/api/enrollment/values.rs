//! The fields of an enrollment, as a client may write them.

use std::collections::BTreeMap;

use mobid_domain::plain::is_plain;
use mobid_domain::slug::Slug;
use serde_json::Value;

use crate::http::fields::{Invalid, text};

pub(super) const MAX_DISPLAY_NAME: usize = 100;
pub(super) const MAX_CLAIMS: usize = 32;
pub(super) const MAX_CLAIM_KEY: usize = 64;
pub(super) const MAX_CLAIM_VALUE: usize = 500;

pub fn display_name(value: &Value) -> Result<String, Invalid> {
    text(value, "invalid_display_name", MAX_DISPLAY_NAME).map(str::to_owned)
}

/// What the client knows of the person: text by the name of a field.
pub fn claims(value: &Value) -> Result<BTreeMap<String, String>, Invalid> {
    let invalid = || {
        Invalid::new(
            "invalid_claims",
            "It must be an object of at most 32 text values of up to 500 characters, under names of fields.",
        )
    };
    let object = value.as_object().ok_or_else(invalid)?;
    if object.len() > MAX_CLAIMS {
        return Err(invalid());
    }
    object
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().ok_or_else(invalid)?;
            let fits = name.parse::<Slug>().is_ok()
                && text.chars().count() <= MAX_CLAIM_VALUE
                && text.chars().all(is_plain);
            if fits { Ok((name.clone(), text.to_owned())) } else { Err(invalid()) }
        })
        .collect()
}
