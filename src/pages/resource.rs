//! What a hosted page can be about.

use std::fmt;
use std::str::FromStr;

use mobid_domain::id::{ConsentId, EnrollmentId};

use super::error::PageError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Consent(ConsentId),
    Enrollment(EnrollmentId),
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consent(id) => id.fmt(f),
            Self::Enrollment(id) => id.fmt(f),
        }
    }
}

impl FromStr for Resource {
    type Err = PageError;
    /// Whatever names none of them names nothing.
    fn from_str(text: &str) -> Result<Self, PageError> {
        let consent = text.parse().map(Self::Consent);
        let enrollment = || text.parse().map(Self::Enrollment);
        consent.or_else(|_| enrollment()).map_err(|_| PageError::NotFound)
    }
}

impl From<ConsentId> for Resource {
    fn from(id: ConsentId) -> Self {
        Self::Consent(id)
    }
}

impl From<EnrollmentId> for Resource {
    fn from(id: EnrollmentId) -> Self {
        Self::Enrollment(id)
    }
}
