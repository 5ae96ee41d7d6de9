//! `POST /v1/qr/generate`: a QR code that leads to something of the client's.

use axum::extract::State;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use mobid_domain::id::{ConsentId, QrId};
use mobid_domain::qr::{Code, CodeCommand, Generate, Referred, Target};
use serde_json::Value;

use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, Invalid, integer};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::presentation::qr::{body, referred};
use crate::watch;

pub(super) const MAX_MINUTES: i64 = 43_200;
/// What codes can refer to.
pub(super) const TYPES: [&str; 1] = ["consent"];
/// What they will be able to refer to.
const NOT_YET: [&str; 3] = ["enrollment", "mandate", "login"];

pub async fn generate(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let mut fields = Fields::of(object);
    fields.required("type", kind);
    let reference = fields.required("referenceId", consent_id);
    let minutes = fields.optional("expiresIn", |value| integer(value, "invalid_expires_in", 1, MAX_MINUTES));
    fields.finish()?;
    let consent = reference.ok_or_else(ApiError::server_error)?;
    let context = client.command(&app);
    let (stands, until) = open(&app, &client, consent, context.at).await?;
    let wanted = minutes.map(|minutes| (context.at + TimeDelta::minutes(minutes)).trunc_subsecs(0));
    let generate = Generate {
        client_id: client.id,
        target: Target::Consent(consent),
        expires_at: wanted.map_or(until, |wanted| wanted.min(until)),
        at: context.at,
    };
    let id = QrId(crate::ids::new_id()).to_string();
    let origin = app.config.public_origin();
    let respond = |code: &Code, sequence: i64| {
        let generation = code.generation().ok_or_else(ApiError::server_error)?;
        let mut shown = body(&origin, &id, generation, stands, context.at);
        shown.watch_token = Some(watch::token(app.vault.master(), &id, context.at));
        ok("QR code generated", &shown).map(|answer| answer.version(sequence))
    };
    let record = |code: &Code, sequence: i64| idempotency.record(|| respond(code, sequence));
    let terms = Terms { new: true, answer: Some(&record), ..Terms::default() };
    let command = CodeCommand::Generate(Box::new(generate));
    let executed = app.store.execute::<Code>(&id, command, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(qr = id, position = executed.appended.map(|a| a.position), "QR code generated");
    respond(&executed.state, executed.sequence)
}

/// A consent of the client's that still waits, and until when. Another's is as good as none.
async fn open(
    app: &App,
    client: &ApiClient,
    id: ConsentId,
    now: DateTime<Utc>,
) -> Result<(Referred, DateTime<Utc>), ApiError> {
    let found = app.current.consent(id).await?;
    let session = found.as_ref().and_then(|folded| folded.state.session());
    let own = session.filter(|session| session.request.client_id == client.id);
    let unknown = || ApiError::invalid_field("referenceId", "unknown_reference", "There is no such consent.");
    let session = own.ok_or_else(unknown)?;
    match referred(session, now) {
        stands @ Referred::Open { until } => Ok((stands, until)),
        Referred::Decided { .. } | Referred::Ended => {
            let status = session.status_at(now);
            Err(ApiError::conflict(format!("The consent is {status}."))
                .with_data(serde_json::json!({ "status": status })))
        }
    }
}

fn kind(value: &Value) -> Result<(), Invalid> {
    match value.as_str() {
        Some(kind) if TYPES.contains(&kind) => Ok(()),
        Some(kind) if NOT_YET.contains(&kind) => {
            Err(Invalid::new("unsupported_type", format!("QR codes cannot lead to a {kind} yet.")))
        }
        _ => Err(Invalid::new("invalid_type", "It must be consent.")),
    }
}

fn consent_id(value: &Value) -> Result<ConsentId, Invalid> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Invalid::new("invalid_reference_id", "It must be a consent's id, such as cs_…."))
}
