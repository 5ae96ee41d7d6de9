//! What a hosted page can be about.

use std::fmt;
use std::str::FromStr;

use mobid_domain::id::{ConsentId, EnrollmentId, QrId};

use super::error::PageError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Consent(ConsentId),
    Enrollment(EnrollmentId),
    /// By its code.
    Login(QrId),
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consent(id) => id.fmt(f),
            Self::Enrollment(id) => id.fmt(f),
            Self::Login(code) => code.fmt(f),
        }
    }
}

impl FromStr for Resource {
    type Err = PageError;
    /// Whatever names none of them names nothing.
    fn from_str(text: &str) -> Result<Self, PageError> {
        let consent = text.parse().map(Self::Consent);
        let enrollment = || text.parse().map(Self::Enrollment);
        let login = || text.parse().map(Self::Login);
        consent.or_else(|_| enrollment()).or_else(|_| login()).map_err(|_| PageError::NotFound)
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

impl From<QrId> for Resource {
    fn from(code: QrId) -> Self {
        Self::Login(code)
    }
}
