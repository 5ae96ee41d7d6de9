//! Purposes and scopes: short names that a client chooses, never personal data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `^[a-z][a-z0-9_]{0,63}$`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must match ^[a-z][a-z0-9_]{{0,63}}$")]
pub struct InvalidSlug;

impl Slug {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;
    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;
    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let rest_is_fine = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
        if starts_well && rest_is_fine && text.len() <= 64 { Ok(Self(text)) } else { Err(InvalidSlug) }
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_and_short() {
        for good in ["name", "identity_verification", "a1", &"a".repeat(64)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "Name", "1a", "_a", "a-b", "a b", "é", "a\0", &"a".repeat(65)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }
}
