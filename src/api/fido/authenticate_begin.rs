//! `POST /v1/auth/fido/authenticate/begin`: what a browser needs to show a passkey.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::device::Status;
use mobid_domain::id::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{AUTHENTICATE, bound, passkeys, relying_party, values};
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::query::Query;
use crate::openapi::named;
use crate::vault::Subject;
use crate::webauthn::{Allowed, Authentication};

/// What completing will need.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    pub authentication: Authentication,
    /// Whose login it is to be; none is whoever is at the device.
    pub user: Option<NamedUser>,
}

/// A client's user, and what the client calls them.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct NamedUser {
    pub id: UserId,
    pub reference: String,
}

/// A ceremony that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FidoAuthentication)]
pub struct Body {
    #[schema(schema_with = named::session_id)]
    pub session_id: String,
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON()`.
    #[schema(schema_with = named::request_options)]
    pub public_key: Value,
    pub expires_at: DateTime<Utc>,
}

pub async fn authenticate_begin(
    client: ApiClient,
    State(app): State<App>,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    let mut fields = Fields::of(object);
    let reference = fields.optional("userId", values::user_id);
    fields.finish()?;
    let party = relying_party(&app, &client)?;
    let (user, allowed) = match reference {
        Some(reference) => {
            let (user, allowed) = active(&app, &client, reference).await?;
            (Some(user), allowed)
        }
        None => (None, vec![]),
    };
    let (public_key, authentication) = party.begin_authentication(&allowed, None);
    let holder = [client.id.0.as_bytes().as_slice()];
    let begun = Begun { authentication, user };
    let (id, expires_at) =
        app.ceremonies.begin(bound(AUTHENTICATE, &holder), &begun, app.clock.now()).await?;
    ok("Authentication begun", &Body { session_id: id.to_string(), public_key, expires_at })
}

/// The active passkeys of a user who has some.
async fn active(
    app: &App,
    client: &ApiClient,
    reference: String,
) -> Result<(NamedUser, Vec<Allowed>), ApiError> {
    let nobody = || ApiError::invalid_field("userId", "no_active_device", "This user has no active device.");
    let id = app.vault.find_client_user(client.id, &reference).await?.ok_or_else(nobody)?;
    let key = app.vault.key(client.id, Subject::Person(id)).await?.ok_or_else(nobody)?;
    let known = passkeys(app, client, id, &key).await?;
    let active = known.into_iter().filter(|(_, status)| *status == Status::Active);
    let allowed: Vec<_> = active.map(|(passkey, _)| passkey).collect();
    if allowed.is_empty() { Err(nobody()) } else { Ok((NamedUser { id, reference }, allowed)) }
}
