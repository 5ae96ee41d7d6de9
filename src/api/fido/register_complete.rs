//! `POST /v1/auth/fido/register/complete`: a passkey that was made becomes a device.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::device::{Device, DeviceCommand, DeviceError, DeviceEvent, Holder, Known, Registered};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, DeviceId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::register_begin::Begun;
use super::{CREDENTIAL_CLAIM, REGISTER, bound, relying_party, values};
use crate::app::App;
use crate::event_store::{Claim, ExecuteError, Terms};
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::openapi::named;
use crate::presentation::device;
use crate::vault::{DataKey, Place, SealError, Subject};
use crate::webauthn::{self, Attestation, credential_hash};

/// A device that was registered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RegisteredDevice)]
pub struct Body {
    #[schema(schema_with = named::device_id)]
    device_id: String,
    /// What the client calls its user.
    #[schema(value_type = String)]
    user_id: Value,
    #[schema(value_type = Option<String>, required)]
    name: Value,
    #[schema(schema_with = named::device_status)]
    status: &'static str,
    #[schema(required)]
    aaguid: Option<String>,
    transports: Vec<String>,
    backup_eligible: bool,
    backed_up: bool,
    sign_count: u32,
    registered_at: DateTime<Utc>,
}

pub async fn register_complete(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let (session, attestation) = parse(Fields::of(object))?;
    let (begun, registered) = verify(&app, &client, session, &attestation).await?;
    let key = app.vault.key(client.id, Subject::Person(begun.user)).await?;
    // Whoever was erased meanwhile is nobody's user any more.
    let key = key.ok_or_else(|| ApiError::ceremony_failed(Reason::SessionExpired))?;
    let (id, context) = (DeviceId(crate::ids::new_id()).to_string(), client.command(&app));
    let hash = credential_hash(app.vault.master(), &client.id.to_string(), &registered.credential.id);
    let registered = seal(&client, &id, &begun, registered, &key, context.at)?;
    let respond = |device: &Device, sequence: i64| {
        let known = device.known().ok_or_else(ApiError::server_error)?;
        Ok::<_, ApiError>(ok("Device registered", &body(&id, known, &key)?)?.version(sequence))
    };
    let record = |device: &Device, sequence: i64| idempotency.record(|| respond(device, sequence));
    let claims = vec![Claim { kind: CREDENTIAL_CLAIM, key: hash.to_vec() }];
    let terms = Terms { new: true, claims, answer: Some(&record), ..Terms::default() };
    let command = DeviceCommand::Register(Box::new(registered));
    let executed = app.store.execute::<Device>(&id, command, &context, terms).await.map_err(taken)?;
    idempotency.recorded();
    tracing::info!(device = id, position = executed.appended.map(|a| a.position), "device registered");
    respond(&executed.state, executed.sequence)
}

fn parse(mut fields: Fields) -> Result<(CeremonyId, Attestation), ApiError> {
    let session = fields.required("sessionId", values::session_id);
    let attestation = fields.required("credential", values::attestation);
    fields.finish()?;
    session.zip(attestation).ok_or_else(ApiError::server_error)
}

/// What was begun, and the passkey that came of it.
async fn verify(
    app: &App,
    client: &ApiClient,
    session: CeremonyId,
    attestation: &Attestation,
) -> Result<(Begun, webauthn::Registered), ApiError> {
    let party = relying_party(app, client)?;
    let holder = [client.id.0.as_bytes().as_slice()];
    let taken = app.ceremonies.take::<Begun>(session, bound(REGISTER, &holder), app.clock.now()).await?;
    let failed = |reason: Reason| {
        tracing::info!(reason = reason.as_str(), "registration failed");
        ApiError::ceremony_failed(reason)
    };
    let begun = taken.ok_or_else(|| failed(Reason::SessionExpired))?;
    let registered = party.finish_registration(begun.registration.clone(), attestation).map_err(failed)?;
    Ok((begun, registered))
}

fn seal(
    client: &ApiClient,
    id: &str,
    begun: &Begun,
    registered: webauthn::Registered,
    key: &DataKey,
    at: DateTime<Utc>,
) -> Result<Registered, SealError> {
    let place = Place { tenant: client.id, aggregate_id: id, event_type: DeviceEvent::REGISTERED, field: "" };
    let sealed = |field, plain: &[u8]| key.seal(&place.field(field), plain);
    let credential = registered.credential.to_json().map_err(|_| SealError::Malformed)?;
    Ok(Registered {
        holder: Holder::ClientUser { client_id: client.id, user_id: begun.user },
        reference: Some(sealed("reference", begun.reference.as_bytes())?),
        credential: sealed("credential", &credential)?,
        name: begun.device_name.as_ref().map(|name| sealed("name", name.as_bytes())).transpose()?,
        aaguid: Some(registered.aaguid).filter(|aaguid| !aaguid.is_nil()).map(|aaguid| aaguid.to_string()),
        transports: registered.transports,
        backup_eligible: registered.backup_eligible,
        backed_up: registered.backed_up,
        sign_count: registered.sign_count,
        at,
    })
}

fn body(id: &str, known: &Known, key: &DataKey) -> Result<Body, SealError> {
    let shown = device::body(id, known, Some(key))?;
    Ok(Body {
        device_id: shown.id,
        user_id: shown.user_id,
        name: shown.name,
        status: shown.status,
        aaguid: shown.aaguid,
        transports: shown.transports,
        backup_eligible: shown.backup_eligible,
        backed_up: shown.backed_up,
        sign_count: shown.sign_count,
        registered_at: shown.registered_at,
    })
}

fn taken(error: ExecuteError<DeviceError>) -> ApiError {
    match error {
        ExecuteError::Claimed(_) => ApiError::conflict("This credential is registered already."),
        other => other.into(),
    }
}
