//! `POST /v1/auth/fido/register/begin`: what a browser needs to make a passkey.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::id::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{REGISTER, bound, passkeys, relying_party, values};
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::query::Query;
use crate::openapi::named;
use crate::webauthn::{NewUser, Registration, user_handle};

/// What completing will need.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    pub registration: Registration,
    pub user: UserId,
    /// What the client calls its user.
    pub reference: String,
    pub device_name: Option<String>,
}

/// A ceremony that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FidoRegistration)]
pub struct Body {
    #[schema(schema_with = named::session_id)]
    pub session_id: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON()`.
    #[schema(schema_with = named::creation_options)]
    pub public_key: Value,
    pub expires_at: DateTime<Utc>,
}

/// What a client asks for.
struct Wanted {
    user_id: String,
    user_name: Option<String>,
    display_name: Option<String>,
    device_name: Option<String>,
}

pub async fn register_begin(
    client: ApiClient,
    State(app): State<App>,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let wanted = parse(Fields::of(object))?;
    let party = relying_party(&app, &client)?;
    let (user, key) = app.vault.client_user(client.id, &wanted.user_id).await?;
    let known = passkeys(&app, &client, user, &key).await?;
    let name = wanted.user_name.as_deref().unwrap_or(&wanted.user_id);
    let new_user = NewUser {
        handle: user_handle(app.vault.master(), &client.id.to_string(), &user.to_string()),
        name,
        display_name: wanted.display_name.as_deref().unwrap_or(name),
    };
    let exclude = known.into_iter().map(|(passkey, _)| passkey.id).collect();
    let (public_key, registration) =
        party.begin_registration(new_user, exclude, None).map_err(|error| ApiError::internal(&error))?;
    let begun = Begun { registration, user, reference: wanted.user_id, device_name: wanted.device_name };
    let holder = [client.id.0.as_bytes().as_slice()];
    let (id, expires_at) = app.ceremonies.begin(bound(REGISTER, &holder), &begun, app.clock.now()).await?;
    ok("Registration begun", &Body { session_id: id.to_string(), public_key, expires_at })
}

fn parse(mut fields: Fields) -> Result<Wanted, ApiError> {
    let user_id = fields.required("userId", values::user_id);
    let user_name = fields.optional("userName", |value| values::name(value, "invalid_user_name"));
    let display_name = fields.optional("displayName", |value| values::name(value, "invalid_display_name"));
    let device_name = fields.optional("deviceName", values::device_name);
    fields.finish()?;
    let user_id = user_id.ok_or_else(ApiError::server_error)?;
    Ok(Wanted { user_id, user_name, display_name, device_name })
}
