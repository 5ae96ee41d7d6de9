//! Query parameters: each route names those it takes; an unknown or bad one is a 400.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use mobid_projections::stream::reader::AsOf;

use super::error::{ApiError, FieldError};
use super::fields::unknown;

/// The parameters as they came, taken one by one.
#[derive(Debug)]
pub struct Query {
    values: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let values = serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map_err(|_| ApiError::bad_request("The query is not valid."))?;
        Ok(Self { values, errors: vec![] })
    }
}

impl Query {
    /// One parameter; given twice it is an error.
    pub fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let at = self.values.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.values.remove(at);
        let parsed = parse(&value);
        if parsed.is_none() {
            self.errors.push(FieldError::new(name, "invalid_parameter", format!("It must be {expected}.")));
        }
        parsed
    }

    pub fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.take(name, "an RFC 3339 time such as 2025-01-15T12:00:00Z", parse_time)
    }

    /// `?limit=`, 1 to 100, default 20.
    pub fn limit(&mut self) -> i64 {
        self.take("limit", "a whole number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=100).contains(limit))
        })
        .unwrap_or(20)
    }

    /// `?asOf=`, a time or a position.
    pub fn as_of(&mut self) -> Option<AsOf> {
        self.take("asOf", "a position of the log or an RFC 3339 time such as 2025-01-15T12:00:00Z", |text| {
            match text.parse() {
                Ok(position) if position >= 0 => Some(AsOf::Position(position)),
                Ok(_) => None,
                Err(_) => parse_time(text).map(AsOf::Time),
            }
        })
    }

    pub fn finish(mut self) -> Result<(), ApiError> {
        let names = self.values.iter().map(|(name, _)| name.as_str());
        let message = "This parameter is not known here, or given twice.";
        self.errors.extend(unknown(names, "unknown_parameter", message));
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::fields(self.errors, vec![])) }
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}
