//! `If-Match`: change a resource only if it is the version that was read (RFC 9110, section 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;

use super::error::ApiError;

/// What a change is conditional on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// No condition, or `*`.
    Any,
    /// One of these versions. A weak tag never matches.
    OneOf(Vec<i64>),
}

impl IfMatch {
    pub fn holds(&self, sequence: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&sequence),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut versions = vec![];
        for tag in text.split(',').map(str::trim) {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = strong.strip_prefix('"')?.strip_suffix('"')?;
            if strong.len() == tag.len()
                && let Ok(version) = inner.parse()
            {
                versions.push(version);
            }
        }
        Some(Self::OneOf(versions))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut condition = Self::Any;
        for value in parts.headers.get_all(IF_MATCH) {
            let parsed = value.to_str().ok().and_then(Self::parse);
            match (condition, parsed) {
                (_, None) => {
                    return Err(ApiError::bad_request("If-Match must be a list of quoted versions, or *."));
                }
                (Self::OneOf(mut all), Some(Self::OneOf(more))) => {
                    all.extend(more);
                    condition = Self::OneOf(all);
                }
                (_, Some(parsed)) => condition = parsed,
            }
        }
        Ok(condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_strongly() {
        assert!(IfMatch::parse("\"3\"").unwrap().holds(3));
        assert!(IfMatch::parse("\"2\", \"3\"").unwrap().holds(3));
        assert!(!IfMatch::parse("\"2\"").unwrap().holds(3));
        assert!(!IfMatch::parse("W/\"3\"").unwrap().holds(3));
        assert!(!IfMatch::parse("\"x\"").unwrap().holds(3));
        assert!(IfMatch::parse("*").unwrap().holds(3));
        assert_eq!(IfMatch::parse("3"), None);
        assert_eq!(IfMatch::parse(""), None);
    }
}
