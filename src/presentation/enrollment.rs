//! An enrollment as its client sees it.
//!
//! Leaves to others: whether they may see it, and whose key opens it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mobid_domain::enrollment::{EnrollmentEvent, FailReason, Phase, Session, Status};
use mobid_domain::sealed::SealedIn;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::consent::Opener;
use crate::openapi::named;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Enrollment)]
pub struct EnrollmentBody {
    #[schema(schema_with = named::enrollment_id)]
    pub id: String,
    #[schema(schema_with = named::enrollment_status)]
    pub status: Status,
    /// As the client gave it; `[erased]` once the person was erased.
    #[schema(value_type = String)]
    pub recipient: Value,
    #[schema(value_type = Option<String>, required)]
    pub display_name: Value,
    /// What the client said it knows of the person.
    #[schema(schema_with = named::metadata)]
    pub claims: Value,
    /// Another than at first if the person had lost their passkeys and began anew.
    #[schema(schema_with = named::user_id)]
    pub user_id: String,
    /// The device that was registered.
    #[schema(schema_with = named::device_id_or_null, required)]
    pub device_id: Option<String>,
    /// What is not complete then fails to be.
    pub expires_at: DateTime<Utc>,
    /// What a QR code for the recipient has to say.
    pub qr_code: String,
    /// The page where the recipient enrolls.
    pub url: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[schema(required)]
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    #[schema(schema_with = named::enrollment_failure_or_null, required)]
    pub failure: Option<FailReason>,
    #[schema(value_type = Option<String>, required)]
    pub callback_url: Value,
    #[schema(value_type = Option<String>, required)]
    pub return_url: Value,
}

/// The enrollment as it stands at `now`, opened with its person's key.
pub fn body(
    public_origin: &str,
    id: &str,
    session: &Session,
    key: Option<&DataKey>,
    now: DateTime<Utc>,
) -> Result<EnrollmentBody, SealError> {
    let request = &session.request;
    let opener = Opener { tenant: request.client_id, consent_id: id, key };
    let optional = |field, sealed: &Option<SealedIn>| {
        sealed.as_ref().map_or(Ok(Value::Null), |sealed| opener.text(field, sealed))
    };
    Ok(EnrollmentBody {
        id: id.to_owned(),
        status: session.status_at(now),
        recipient: opener.text("recipient", &request.recipient)?,
        display_name: optional("displayName", &request.display_name)?,
        claims: match &request.claims {
            None => Value::Object(serde_json::Map::new()),
            Some(sealed) => opener.json::<BTreeMap<String, String>>("claims", sealed)?,
        },
        user_id: session.user_id().to_string(),
        device_id: session.enrolled.map(|enrolled| enrolled.device_id.to_string()),
        expires_at: request.expires_at,
        qr_code: format!("{public_origin}/qr/{id}"),
        url: format!("{public_origin}/r/{id}"),
        created_at: session.created_at,
        updated_at: session.updated_at(now),
        completed_at: match session.phase {
            Phase::Completed { at, .. } => Some(at),
            _ => None,
        },
        failure: match session.phase {
            Phase::Failed { reason, .. } => Some(reason),
            _ => None,
        },
        callback_url: optional("callbackUrl", &request.callback_url)?,
        return_url: optional("returnUrl", &request.return_url)?,
    })
}

/// What a `callbackUrl` is told of an event, in the vendor's words; `None` if it is told nothing.
pub fn vendor_status(event: &EnrollmentEvent) -> Option<&'static str> {
    match event {
        EnrollmentEvent::Completed { .. } => Some("COMPLETED"),
        EnrollmentEvent::Failed { .. } => Some("FAILED"),
        EnrollmentEvent::Expired { .. } => Some("EXPIRED"),
        EnrollmentEvent::Created(_)
        | EnrollmentEvent::DeviceRegistered { .. }
        | EnrollmentEvent::TryFailed { .. }
        | EnrollmentEvent::Cancelled { .. } => None,
    }
}
