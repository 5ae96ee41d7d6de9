//! `/v1/clients`: the owner manages the others; each may read itself and renew its own secrets.

pub mod create;
pub mod delete;
pub mod described;
pub mod list;
pub mod regenerate_key;
pub mod retrieve;
pub mod rotate_callback_secret;
pub mod update;
pub mod usage;
mod values;

use mobid_domain::client::{Account, Status};
use mobid_domain::id::ClientId;

use crate::app::App;
use crate::event_store::CommandContext;
use crate::http::authentication::ApiClient;
use crate::http::error::ApiError;
use crate::vault::{DataKey, Place, SealError};

/// Another client's account is there for the owner alone.
fn may_see(client: &ApiClient, id: ClientId) -> Result<(), ApiError> {
    if client.id == id || client.account.owner { Ok(()) } else { Err(ApiError::not_found()) }
}

/// An account that is there, as far as anybody is told.
fn present(account: Option<&Account>) -> Result<&Account, ApiError> {
    account.filter(|account| account.status != Status::Deleted).ok_or_else(ApiError::not_found)
}

/// A command on an account: what happens to a client is its own history, whoever asks for it.
fn command(client: &ApiClient, app: &App, id: ClientId) -> CommandContext {
    CommandContext { tenant: id, ..client.command(app) }
}

fn seal_secret(
    key: &DataKey,
    tenant: ClientId,
    event_type: &str,
    secret: &str,
) -> Result<mobid_domain::sealed::Sealed, SealError> {
    let id = tenant.to_string();
    key.seal(&Place { tenant, aggregate_id: &id, event_type, field: "callbackSecret" }, secret.as_bytes())
}
