//! `/v1/auth/fido`: passkeys of a client's own users, for the client's own pages. They serve its logins alone and
//! decide nothing on a hosted page.

pub mod authenticate_begin;
pub mod authenticate_complete;
pub mod described;
pub mod register_begin;
pub mod register_complete;
mod values;

use mobid_domain::device::{Known, Status};
use mobid_domain::id::{ClientId, UserId};
use mobid_projections::device::apply;
use mobid_projections::device::query::{self as devices, Filter};

use crate::app::App;
use crate::ephemeral::ceremony::Binding;
use crate::http::authentication::ApiClient;
use crate::http::error::ApiError;
use crate::http::read_model::caught_up;
use crate::vault::{DataKey, SealError};
use crate::webauthn::{Allowed, Credential, RelyingParty};

/// The claim that a credential of a client's user is, once for each client.
const CREDENTIAL_CLAIM: &str = "fido_credential";
/// Passkeys of one user that a browser is told of.
const TOLD: i64 = 100;
const REGISTER: &str = "fido.register";
const AUTHENTICATE: &str = "fido.authenticate";

/// What binds a ceremony to whoever began it.
fn bound<'a>(kind: &'static str, holder: &'a [&'a [u8]]) -> Binding<'a> {
    Binding { kind, holder }
}

fn relying_party(app: &App, client: &ApiClient) -> Result<RelyingParty, ApiError> {
    RelyingParty::of_client(&client.account, &app.config).map_err(|_| {
        ApiError::conflict(
            "This client has no rpId with an origin on it: the owner sets both (PATCH /v1/clients).",
        )
    })
}

/// The passkeys of a user that are not deregistered, with where each stands.
async fn passkeys(
    app: &App,
    client: &ApiClient,
    user: UserId,
    key: &DataKey,
) -> Result<Vec<(Allowed, Status)>, ApiError> {
    caught_up(app, client, apply::NAME).await?;
    let filter = Filter { tenant: client.id, user_id: Some(user), status: None };
    let found = devices::list(&app.pool, filter, None, TOLD).await?;
    let mut passkeys = Vec::with_capacity(found.len());
    for (id, folded) in &found {
        let Some(device) = folded.state.known() else { continue };
        if device.status() != Status::Deregistered {
            let credential = open_credential(client.id, id, device, key)?;
            let allowed = Allowed { id: credential.id, transports: device.transports.clone() };
            passkeys.push((allowed, device.status()));
        }
    }
    Ok(passkeys)
}

fn open_credential(
    tenant: ClientId,
    id: &str,
    device: &Known,
    key: &DataKey,
) -> Result<Credential, SealError> {
    let json = key.open_in(tenant, id, "credential", &device.credential)?;
    Credential::from_json(&json).map_err(|_| SealError::Malformed)
}
