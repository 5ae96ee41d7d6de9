//! A client as the owner and it itself see it.

use chrono::{DateTime, Utc};
use mobid_domain::client::{Account, Limits, Permission, Plan};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::named;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client)]
pub struct ClientBody {
    #[schema(schema_with = named::client_id)]
    pub id: String,
    /// Shown to recipients.
    pub name: String,
    #[schema(schema_with = named::client_status)]
    pub status: &'static str,
    #[schema(schema_with = named::plan)]
    pub plan: Plan,
    /// What is in force; `null` is no limit.
    #[schema(schema_with = named::limits)]
    pub limits: Limits,
    /// What its keys may do.
    #[schema(value_type = Vec<String>)]
    pub permissions: Vec<Permission>,
    /// The domain that its own passkeys are bound to.
    #[schema(required)]
    pub rp_id: Option<String>,
    /// Where its own pages are: `returnUrl`s go there.
    pub origins: Vec<String>,
    /// Hosts that its callbacks may go to; none is any.
    pub callback_hosts: Vec<String>,
    /// Of the newest API key.
    pub key_last_four: String,
    /// The same; `null` with `asOf`, for uses are no history.
    #[schema(required)]
    pub key_last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Shown once: in the answer to what made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub api_key: Option<String>,
    /// Shown once: in the answer to what made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub callback_secret: Option<String>,
}

/// The account without its secrets.
pub fn body(account: &Account, key_last_used_at: Option<&DateTime<Utc>>) -> ClientBody {
    ClientBody {
        id: account.client_id.to_string(),
        name: account.name.clone(),
        status: account.status.as_str(),
        plan: account.plan,
        limits: account.limits(),
        permissions: account.permissions.clone(),
        rp_id: account.rp_id.clone(),
        origins: account.origins.clone(),
        callback_hosts: account.callback_hosts.clone(),
        key_last_four: account.key.key_last_four.clone(),
        key_last_used_at: key_last_used_at.copied(),
        created_at: account.created_at,
        updated_at: account.updated_at,
        api_key: None,
        callback_secret: None,
    }
}
