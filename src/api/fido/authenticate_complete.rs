//! `POST /v1/auth/fido/authenticate/complete`: whether a passkey that was shown is one of this client's users'.
//!
//! What a login does to its device is decided on the device's newest state and appended first: a device that is
//! blocked, or whose counter somebody else moved on meanwhile, fails here and nowhere later.

use axum::extract::State;
use mobid_domain::device::{Device, DeviceCommand, DeviceError, Known, Standing, Use};
use mobid_domain::fido::{Failed, Login, LoginCommand, LoginEvent, Reason, Succeeded};
use mobid_domain::id::{CeremonyId, DeviceId, LoginId};
use mobid_domain::sealed::Sealed;
use serde::Serialize;
use utoipa::ToSchema;

use super::authenticate_begin::{Begun, NamedUser};
use super::{AUTHENTICATE, CREDENTIAL_CLAIM, bound, open_credential, relying_party, values};
use crate::app::App;
use crate::event_store::{ExecuteError, Terms};
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::openapi::named;
use crate::presentation::device::holder;
use crate::vault::{Place, Subject};
use crate::webauthn::{Assertion, Credential, credential_hash, user_handle};

/// A login that succeeded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FidoLogin)]
pub struct Body {
    verified: bool,
    /// What the client calls its user.
    user_id: String,
    #[schema(schema_with = named::device_id)]
    device_id: String,
    /// By biometric or PIN; always so.
    user_verified: bool,
}

/// What is known of an attempt so far.
struct Attempt {
    id: LoginId,
    user: Option<NamedUser>,
    device: Option<DeviceId>,
}

/// Either what went wrong in the attempt, or what keeps the server from saying.
enum Refusal {
    Failed(Reason),
    Error(ApiError),
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

pub async fn authenticate_complete(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let (session, answer) = parse(Fields::of(object))?;
    let mut attempt = Attempt { id: LoginId(crate::ids::new_id()), user: None, device: None };
    match verify(&app, &client, session, &answer, &mut attempt).await {
        Ok((user, device, user_verified)) => {
            succeeded(&app, &client, &idempotency, attempt.id, (user, device, user_verified)).await
        }
        Err(Refusal::Failed(reason)) => Err(failed(&app, &client, attempt, reason).await?),
        Err(Refusal::Error(error)) => Err(error),
    }
}

fn parse(mut fields: Fields) -> Result<(CeremonyId, Assertion), ApiError> {
    let session = fields.required("sessionId", values::session_id);
    let assertion = fields.required("credential", values::assertion);
    fields.finish()?;
    session.zip(assertion).ok_or_else(ApiError::server_error)
}

/// Whose passkey was shown, on which device, and whether it verified its user.
async fn verify(
    app: &App,
    client: &ApiClient,
    session: CeremonyId,
    answer: &Assertion,
    attempt: &mut Attempt,
) -> Result<(NamedUser, DeviceId, bool), Refusal> {
    let party = relying_party(app, client)?;
    let holder = [client.id.0.as_bytes().as_slice()];
    let taken = app.ceremonies.take::<Begun>(session, bound(AUTHENTICATE, &holder), app.clock.now()).await?;
    let begun = taken.ok_or(Refusal::Failed(Reason::SessionExpired))?;
    attempt.user.clone_from(&begun.user);
    let found = find(app, client, answer, &begun).await?;
    (attempt.user, attempt.device) = (Some(found.user.clone()), Some(found.id));
    let eligible = found.device.backup_eligible;
    let shown = party
        .finish_authentication(&begun.authentication, answer, &found.credential, eligible)
        .map_err(Refusal::Failed)?;
    let use_ = Use {
        sign_count: shown.sign_count,
        backup_eligible: shown.backup_eligible,
        backed_up: shown.backed_up,
        user_verified: shown.user_verified,
    };
    take_use(app, client, (found.id, use_), attempt.id).await?;
    Ok((found.user, found.id, shown.user_verified))
}

/// A device of this client.
struct Found {
    id: DeviceId,
    device: Known,
    user: NamedUser,
    credential: Credential,
}

/// The device whose passkey was shown, if it is this client's and of whoever is to log in.
async fn find(app: &App, client: &ApiClient, answer: &Assertion, begun: &Begun) -> Result<Found, Refusal> {
    let unknown = || Refusal::Failed(Reason::UnknownCredential);
    let hash = credential_hash(app.vault.master(), &client.id.to_string(), answer.credential_id());
    let id = app.store.holder_of(CREDENTIAL_CLAIM, &hash).await?.ok_or_else(unknown)?;
    // Its credential never changes; where it stands is decided when its use is appended.
    let recent = app.store.recent::<Device>(&id).await?;
    let device = recent.state.known().ok_or_else(unknown)?.clone();
    let (tenant, user) = holder(&device);
    let is_theirs = match (&begun.user, answer.user_handle()) {
        (None, None) => false,
        (named, handle) => {
            let theirs = user_handle(app.vault.master(), &tenant.to_string(), &user.to_string());
            named.as_ref().is_none_or(|named| named.id == user)
                && handle.is_none_or(|handle| handle == theirs.as_bytes())
        }
    };
    if tenant != client.id || !is_theirs || device.standing == Standing::Deregistered {
        return Err(unknown());
    }
    let key = app.vault.key(tenant, Subject::Person(user)).await?.ok_or_else(unknown)?;
    let credential = open_credential(tenant, &id, &device, &key)?;
    let reference = match &device.reference {
        Some(reference) => key.open_text_in(tenant, &id, "reference", reference)?,
        None => user.to_string(),
    };
    let id = id.parse().map_err(|_| unknown())?;
    Ok(Found { id, device, user: NamedUser { id: user, reference }, credential })
}

/// Moves the device on, if its newest state allows, and says for which attempt: where that came to nothing, the server went
/// down in between, and whoever logged in was told of no success.
async fn take_use(
    app: &App,
    client: &ApiClient,
    (id, shown): (DeviceId, Use),
    attempt: LoginId,
) -> Result<(), Refusal> {
    let (id, mut context) = (id.to_string(), client.command(app));
    context.causation = Some(attempt.to_string());
    let used = app.store.execute::<Device>(&id, DeviceCommand::Use(shown), &context, Terms::default()).await;
    match used {
        Ok(executed) if executed.state.known().is_some_and(|device| device.standing == Standing::Active) => {
            Ok(())
        }
        Ok(_) => {
            tracing::warn!(device = id, "device blocked: its signature counter went back");
            Err(Refusal::Failed(Reason::CounterRegressed))
        }
        Err(ExecuteError::Refused(DeviceError::Blocked)) => Err(Refusal::Failed(Reason::DeviceBlocked)),
        Err(ExecuteError::Refused(DeviceError::Deregistered | DeviceError::NotFound)) => {
            Err(Refusal::Failed(Reason::UnknownCredential))
        }
        Err(error) => Err(error.into()),
    }
}

async fn succeeded(
    app: &App,
    client: &ApiClient,
    idempotency: &Idempotency,
    id: LoginId,
    (user, device, user_verified): (NamedUser, DeviceId, bool),
) -> ApiResult {
    let (id, context) = (id.to_string(), client.command(app));
    let reference = seal(app, client, &id, LoginEvent::SUCCEEDED, &user).await?;
    let user_id = user.id;
    let body = Body { verified: true, user_id: user.reference, device_id: device.to_string(), user_verified };
    let respond = || ok("Authentication verified", &body);
    let record = |_: &Login, _: i64| idempotency.record(respond);
    let terms = Terms { new: true, answer: Some(&record), ..Terms::default() };
    let succeeded = Succeeded {
        client_id: client.id,
        user_id,
        reference,
        device_id: Some(device),
        user_verified,
        at: context.at,
    };
    let command = LoginCommand::Succeed(Box::new(succeeded));
    app.store.execute::<Login>(&id, command, &context, terms).await?;
    idempotency.recorded();
    respond()
}

/// Records what went wrong; answers with it.
async fn failed(
    app: &App,
    client: &ApiClient,
    attempt: Attempt,
    reason: Reason,
) -> Result<ApiError, ApiError> {
    let (id, context) = (attempt.id.to_string(), client.command(app));
    let reference = match &attempt.user {
        Some(user) => seal(app, client, &id, LoginEvent::FAILED, user).await?,
        None => None,
    };
    let failed = Failed {
        client_id: client.id,
        user_id: attempt.user.as_ref().map(|user| user.id),
        reference,
        device_id: attempt.device,
        reason,
        at: context.at,
    };
    let terms = Terms { new: true, ..Terms::default() };
    let command = LoginCommand::Fail(Box::new(failed));
    app.store.execute::<Login>(&id, command, &context, terms).await?;
    tracing::info!(login = id, reason = reason.as_str(), "authentication failed");
    Ok(ApiError::ceremony_failed(reason))
}

/// What the client calls its user, sealed; of whom everything was erased nothing more is written down.
async fn seal(
    app: &App,
    client: &ApiClient,
    id: &str,
    event_type: &str,
    user: &NamedUser,
) -> Result<Option<Sealed>, ApiError> {
    let key = app.vault.key(client.id, Subject::Person(user.id)).await?;
    let place = Place { tenant: client.id, aggregate_id: id, event_type, field: "reference" };
    Ok(key.map(|key| key.seal(&place, user.reference.as_bytes())).transpose()?)
}
