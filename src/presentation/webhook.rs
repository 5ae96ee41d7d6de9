//! A webhook endpoint as its client sees it.

use chrono::{DateTime, Utc};
use mobid_domain::sealed::SealedIn;
use mobid_domain::webhook::{EventType, Registration};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ERASED;
use crate::openapi::named;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookEndpoint)]
pub struct EndpointBody {
    #[schema(schema_with = named::endpoint_id)]
    pub id: String,
    #[schema(value_type = String)]
    pub url: Value,
    /// Empty means all.
    #[schema(value_type = Vec<String>)]
    pub event_types: Vec<EventType>,
    #[schema(value_type = Option<String>, required)]
    pub description: Value,
    #[schema(schema_with = named::endpoint_status)]
    pub status: &'static str,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Shown once: in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub secret: Option<String>,
}

/// The endpoint without its secret, opened with its client's own key.
pub fn body(id: &str, registration: &Registration, key: Option<&DataKey>) -> Result<EndpointBody, SealError> {
    let text = |field: &str, sealed: &SealedIn| match key {
        Some(key) => key.open_text_in(registration.client_id, id, field, sealed).map(Value::String),
        None => Ok(Value::String(ERASED.to_owned())),
    };
    Ok(EndpointBody {
        id: id.to_owned(),
        url: text("url", &registration.url)?,
        event_types: registration.event_types.clone(),
        description: match &registration.description {
            None => Value::Null,
            Some(sealed) => text("description", sealed)?,
        },
        status: registration.status.as_str(),
        created_at: registration.created_at,
        updated_at: registration.updated_at,
        secret: None,
    })
}
