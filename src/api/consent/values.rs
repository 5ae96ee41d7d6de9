//! The fields of a consent, as a client may write them.

use std::collections::BTreeMap;

use mobid_domain::consent::{MAX_SCOPE, RequireAssurance};
use mobid_domain::plain::is_plain;
use mobid_domain::slug::Slug;
use serde_json::Value;

use crate::http::fields::Invalid;

pub(super) const MAX_METADATA: usize = 20;
pub(super) const MAX_METADATA_KEY: usize = 40;
pub(super) const MAX_METADATA_VALUE: usize = 500;

pub fn purpose(value: &Value) -> Result<Slug, Invalid> {
    slug(value, "invalid_purpose")
}

pub fn scope(value: &Value) -> Result<Vec<Slug>, Invalid> {
    let invalid = |message: &str| Invalid::new("invalid_scope", message);
    let list = value.as_array().ok_or_else(|| invalid("It must be a list of field names."))?;
    if list.len() > MAX_SCOPE {
        return Err(invalid("It must name at most 32 fields."));
    }
    let mut scope = Vec::with_capacity(list.len());
    for value in list {
        let field = slug(value, "invalid_scope")?;
        if scope.contains(&field) {
            return Err(invalid("It must not name a field twice."));
        }
        scope.push(field);
    }
    Ok(scope)
}

fn slug(value: &Value, code: &str) -> Result<Slug, Invalid> {
    let text = value.as_str().ok_or_else(|| Invalid::new(code, "It must be text."))?;
    text.parse().map_err(|error: mobid_domain::slug::InvalidSlug| Invalid::new(code, format!("It {error}.")))
}

pub fn metadata(value: &Value) -> Result<BTreeMap<String, String>, Invalid> {
    let invalid = || {
        Invalid::new(
            "invalid_metadata",
            "It must be an object of at most 20 text values of up to 500 characters, under keys of 1 to 40.",
        )
    };
    let object = value.as_object().ok_or_else(invalid)?;
    if object.len() > MAX_METADATA {
        return Err(invalid());
    }
    object
        .iter()
        .map(|(key, value)| {
            let text = value.as_str().ok_or_else(invalid)?;
            let fits = (1..=MAX_METADATA_KEY).contains(&key.chars().count())
                && text.chars().count() <= MAX_METADATA_VALUE
                && key.chars().all(is_plain)
                && !text.contains('\0');
            if fits { Ok((key.clone(), text.to_owned())) } else { Err(invalid()) }
        })
        .collect()
}

pub fn require_assurance(value: &Value) -> Result<RequireAssurance, Invalid> {
    match value.as_str() {
        Some("any") => Ok(RequireAssurance::Any),
        Some("passkey") => Ok(RequireAssurance::Passkey),
        _ => Err(Invalid::new("invalid_require_assurance", "It must be any or passkey.")),
    }
}

/// A BCP 47 language tag, as far as its form goes.
pub fn locale(value: &Value) -> Result<String, Invalid> {
    let invalid = || Invalid::new("invalid_locale", "It must be a language tag such as en or de-AT.");
    let text = value.as_str().ok_or_else(invalid)?;
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let well_formed = (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && text.len() <= 35;
    if well_formed { Ok(text.to_owned()) } else { Err(invalid()) }
}
