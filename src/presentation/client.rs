//! A client as the owner and it itself see it.

use chrono::{DateTime, Utc};
use mobid_domain::client::{Account, Limits, Permission, Plan};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientBody {
    pub id: String,
    pub name: String,
    pub status: &'static str,
    pub plan: Plan,
    /// What is in force; `null` is no limit.
    pub limits: Limits,
    pub permissions: Vec<Permission>,
    pub rp_id: Option<String>,
    pub origins: Vec<String>,
    pub callback_hosts: Vec<String>,
    pub key_last_four: String,
    pub key_last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Shown once: in the answer to what made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
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
