//! `POST /v1/enrollments/{id}/verify`: the enrolled passkey answers, in an app associated with the hosted pages' RP id.
//!
//! Without a `credential` it answers what to ask the passkey; with one it completes the enrollment, or counts a try.

use axum::extract::State;
use mobid_domain::enrollment::{EnrollmentError, Session, Status};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, EnrollmentId};
use mobid_projections::enrollment::query as enrollments;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::present;
use super::retrieve::own;
use crate::app::App;
use crate::ephemeral::ceremony::Binding;
use crate::http::authentication::ApiClient;
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, Invalid};
use crate::http::query::Query;
use crate::http::request_id;
use crate::http::router::Id;
use crate::openapi::named;
use crate::person::enrolling::{self, NotDone, Step};
use crate::person::{Occasion, passkey};
use crate::vault::{SealError, Subject};
use crate::webauthn::{Assertion, Authentication};
use crate::words::Words;

const KIND: &str = "enrollment_verify";

/// What to ask the passkey.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnrollmentVerification)]
pub struct Begun {
    /// Good once, for five minutes.
    #[schema(schema_with = named::session_id)]
    session_id: String,
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON`.
    #[schema(schema_with = named::request_options)]
    public_key: Value,
    expires_at: chrono::DateTime<chrono::Utc>,
}

pub async fn verify(
    client: ApiClient,
    Id(id): Id<EnrollmentId>,
    State(app): State<App>,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    let mut fields = Fields::of(object);
    let session_id = fields.replace("sessionId", session);
    let credential = fields.replace("credential", credential);
    fields.finish()?;
    let found = enrollments::find(&app.pool, id, None).await?;
    let (_, session) = own(&client, found.as_ref())?;
    match session.status_at(app.clock.now()) {
        Status::DeviceRegistered => {}
        Status::Pending => return Err(EnrollmentError::WrongStatus(Status::Pending).into()),
        status => return Err(EnrollmentError::AlreadyClosed(status).into()),
    }
    match (session_id, credential) {
        (None, None) => begin(&app, &client, id).await,
        (Some(session_id), Some(credential)) => {
            complete(&app, &client, (id, session), session_id, &credential).await
        }
        (None, Some(_)) => Err(missing("sessionId")),
        (Some(_), None) => Err(missing("credential")),
    }
}

async fn begin(app: &App, client: &ApiClient, id: EnrollmentId) -> ApiResult {
    let (public_key, authentication) = passkey::begin_showing(app, None)?;
    let holder = [client.id.0.as_bytes().as_slice(), id.0.as_bytes()];
    let bound = Binding { kind: KIND, holder: &holder };
    let (session, expires_at) = app.ceremonies.begin(bound, &authentication, app.clock.now()).await?;
    ok("Verification begun", &Begun { session_id: session.to_string(), public_key, expires_at })
}

async fn complete(
    app: &App,
    client: &ApiClient,
    (id, session): (EnrollmentId, &Session),
    session_id: CeremonyId,
    credential: &Assertion,
) -> ApiResult {
    let now = app.clock.now();
    let holder = [client.id.0.as_bytes().as_slice(), id.0.as_bytes()];
    let bound = Binding { kind: KIND, holder: &holder };
    let authentication: Option<Authentication> = app.ceremonies.take(session_id, bound, now).await?;
    let Some(authentication) = authentication else {
        return Err(ApiError::ceremony_failed(Reason::SessionExpired));
    };
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    let key = key.ok_or(SealError::KeyGone)?;
    let handle = key.open_text_in(client.id, &id.to_string(), "recipient", &request.recipient)?;
    let handle = handle.parse().map_err(|_| SealError::Malformed)?;
    let occasion = Occasion { at: now, request_id: request_id::current(), lang: Words::of(None).lang };
    let step = Step { id, session, handle: &handle, occasion: &occasion };
    let done = match enrolling::verify(app, step, &authentication, credential).await {
        Ok(done) => done,
        Err(NotDone::Bad(reason)) => return Err(ApiError::ceremony_failed(reason)),
        Err(NotDone::Refused(error)) => return Err(error.into()),
        Err(NotDone::Trouble(trouble)) => return Err(trouble.into()),
    };
    let session = done.state.session().ok_or_else(ApiError::not_found)?;
    present::answer(app, "Enrollment completed", &id.to_string(), session, done.sequence, now).await
}

fn session(value: &Value) -> Result<CeremonyId, Invalid> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.ok_or_else(|| Invalid::new("invalid_session_id", "It must be the sessionId of a verification."))
}

fn credential(value: &Value) -> Result<Assertion, Invalid> {
    Assertion::read(value).map_err(|_| {
        Invalid::new("invalid_credential", "It must be what toJSON() makes of a PublicKeyCredential.")
    })
}

fn missing(field: &str) -> ApiError {
    let (code, message) = ("required", format!("{field} is required here."));
    ApiError::fields(vec![crate::http::error::FieldError::new(field, code, message)], vec![])
}
