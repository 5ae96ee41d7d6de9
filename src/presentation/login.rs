//! What a login came to, as its client is told.

use chrono::{DateTime, Utc};
use mobid_domain::fido::{Attempt, Outcome, Reason};
use mobid_domain::id::{DeviceId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ERASED;
use crate::openapi::named;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Login)]
pub struct LoginBody {
    #[schema(schema_with = named::login_id)]
    pub id: String,
    pub verified: bool,
    /// What the client calls its user, or, of a login by QR code, `usr_…`; `null` where that is not known.
    #[schema(value_type = Option<String>, required)]
    pub user_id: Value,
    #[schema(value_type = Option<String>, required)]
    pub device_id: Option<DeviceId>,
    /// Whether the authenticator verified its user, by biometric or PIN; `null` of what failed.
    #[schema(required)]
    pub user_verified: Option<bool>,
    #[schema(schema_with = named::failure_reason_or_null, required)]
    pub reason: Option<Reason>,
    pub at: DateTime<Utc>,
}

/// The attempt, opened with its user's key.
pub fn body(id: &str, attempt: &Attempt, key: Option<&DataKey>) -> Result<LoginBody, SealError> {
    let user_id = match (&attempt.reference, key) {
        (Some(reference), Some(key)) => {
            Value::String(key.open_text_in(attempt.client_id, id, "reference", reference)?)
        }
        (Some(_), None) => Value::String(ERASED.to_owned()),
        (None, _) => attempt.user_id.as_ref().map(UserId::to_string).map_or(Value::Null, Value::String),
    };
    let (user_verified, reason) = match attempt.outcome {
        Outcome::Succeeded { user_verified } => (Some(user_verified), None),
        Outcome::Failed { reason } => (None, Some(reason)),
    };
    Ok(LoginBody {
        id: id.to_owned(),
        verified: reason.is_none(),
        user_id,
        device_id: attempt.device_id,
        user_verified,
        reason,
        at: attempt.at,
    })
}
