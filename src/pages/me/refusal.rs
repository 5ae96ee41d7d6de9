//! Why a page under `/me` did not do what was asked.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::HOME;
use crate::pages::view::Link;
use crate::words::{Note, Words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is signed in here, or is so no more.
    SignedOut,
    /// What cannot be undone needs a proof from a moment ago.
    Stale,
    Capped {
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    },
    TooManyReports,
    /// No code was asked for in this browser for this.
    NoCode,
}

impl Refusal {
    pub fn status(self) -> StatusCode {
        match self {
            Self::SignedOut | Self::Stale | Self::NoCode => StatusCode::FORBIDDEN,
            Self::Capped { .. } | Self::TooManyReports => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub fn note(self, words: &Words) -> Note {
        let me = words.me();
        match self {
            Self::SignedOut => me.ended,
            Self::Stale => me.stale,
            Self::Capped { .. } => me.too_much,
            Self::TooManyReports => me.too_many_reports,
            Self::NoCode => me.no_code,
        }
    }

    pub fn way_on(self, words: &Words) -> Option<Link> {
        let label = match self {
            Self::TooManyReports => words.me().back,
            Self::SignedOut | Self::Stale | Self::Capped { .. } | Self::NoCode => words.me().sign_in_again,
        };
        Some(Link { href: HOME.to_owned(), label: label.to_owned() })
    }
}
