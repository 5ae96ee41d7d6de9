//! A device as its client sees it.

use chrono::{DateTime, Utc};
use mobid_domain::device::{Holder, Known, Standing};
use mobid_domain::id::{ClientId, UserId};
use mobid_domain::sealed::SealedIn;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ERASED;
use crate::openapi::named;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Device)]
pub struct DeviceBody {
    #[schema(schema_with = named::device_id)]
    pub id: String,
    /// What the client calls its user.
    #[schema(value_type = String)]
    pub user_id: Value,
    #[schema(value_type = Option<String>, required)]
    pub name: Value,
    #[schema(schema_with = named::device_status)]
    pub status: &'static str,
    /// The authenticator's model (FIDO Metadata Service); `null` where it does not say.
    #[schema(required)]
    pub aaguid: Option<String>,
    /// How to reach it: `usb`, `nfc`, `ble`, `hybrid`, `internal`.
    pub transports: Vec<String>,
    /// Whether the passkey can be on several devices of its user.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// How many signatures it has counted; 0 where it does not count.
    pub sign_count: u32,
    pub registered_at: DateTime<Utc>,
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
    #[schema(schema_with = named::device_block_or_null, required)]
    pub block: Option<BlockBody>,
}

/// Why a device is blocked.
#[derive(Debug, Clone, Serialize)]
pub struct BlockBody {
    pub because: &'static str,
    /// In the client's own words.
    pub reason: Value,
    pub at: DateTime<Utc>,
}

/// The client and the user that it is registered for.
pub fn holder(device: &Known) -> (ClientId, UserId) {
    match device.holder {
        Holder::ClientUser { client_id, user_id } | Holder::Person { client_id, user_id } => {
            (client_id, user_id)
        }
    }
}

/// The device, opened with its user's key.
pub fn body(id: &str, device: &Known, key: Option<&DataKey>) -> Result<DeviceBody, SealError> {
    let (client, user) = holder(device);
    let text = |field: &str, sealed: &SealedIn| match key {
        Some(key) => key.open_text_in(client, id, field, sealed).map(Value::String),
        None => Ok(Value::String(ERASED.to_owned())),
    };
    let or_null =
        |field: &str, sealed: &Option<SealedIn>| sealed.as_ref().map_or(Ok(Value::Null), |s| text(field, s));
    let block = match &device.standing {
        Standing::Blocked(block) => Some(BlockBody {
            because: block.because.as_str(),
            reason: or_null("reason", &block.reason)?,
            at: block.at,
        }),
        Standing::Active | Standing::Deregistered => None,
    };
    Ok(DeviceBody {
        id: id.to_owned(),
        user_id: match &device.reference {
            Some(reference) => text("reference", reference)?,
            None => Value::String(user.to_string()),
        },
        name: or_null("name", &device.name)?,
        status: device.status().as_str(),
        aaguid: device.aaguid.clone(),
        transports: device.transports.clone(),
        backup_eligible: device.backup_eligible,
        backed_up: device.backed_up,
        sign_count: device.sign_count,
        registered_at: device.registered_at,
        last_used_at: device.last_used_at,
        block,
    })
}
