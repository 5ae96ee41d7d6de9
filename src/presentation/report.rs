//! A report of abuse as the owner sees it: without who reported.

use chrono::{DateTime, Utc};
use mobid_domain::report::{Filing, Reason};
use serde::Serialize;
use utoipa::ToSchema;

use super::ERASED;
use crate::openapi::named;
use crate::person::report;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Report)]
pub struct ReportBody {
    #[schema(schema_with = named::report_id)]
    pub id: String,
    /// Whom it is about; `[erased]` once the person was erased.
    pub client_id: String,
    /// Which consent; `[erased]` once the person was erased.
    pub consent_id: String,
    #[schema(schema_with = named::report_reason)]
    pub reason: Reason,
    /// In the person's own words, which may be none; `[erased]` once the person was erased.
    pub text: String,
    pub reported_at: DateTime<Utc>,
}

/// Opened with the key of who filed it.
pub fn body(id: &str, filing: &Filing, key: Option<&DataKey>) -> Result<ReportBody, SealError> {
    let details = key.map(|key| report::open(id, filing, key)).transpose()?;
    let (client_id, consent_id, text) = match details {
        Some(details) => (details.client_id.to_string(), details.consent_id.to_string(), details.text),
        None => (ERASED.to_owned(), ERASED.to_owned(), ERASED.to_owned()),
    };
    Ok(ReportBody {
        id: id.to_owned(),
        client_id,
        consent_id,
        reason: filing.reason,
        text,
        reported_at: filing.at,
    })
}
