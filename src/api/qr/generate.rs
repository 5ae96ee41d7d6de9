//! `POST /v1/qr/generate`: a QR code that leads to something of the client's, or to a login.

use axum::extract::State;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use mobid_domain::id::{ConsentId, EnrollmentId, LoginId, QrId};
use mobid_domain::qr::{Code, CodeCommand, Generate, Referred, Target};
use mobid_projections::enrollment::query as enrollments;
use serde_json::{Value, json};

use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, Invalid, integer};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::presentation::qr::{Reference, Shown, of_consent, of_enrollment};
use crate::watch;

pub(super) const MAX_MINUTES: i64 = 43_200;
/// A login is begun and done while somebody looks at the code; a code that lies about is of use to others alone.
pub(super) const MAX_LOGIN_MINUTES: i64 = 15;
pub(super) const USUAL_LOGIN_MINUTES: i64 = 5;
/// What codes can refer to.
pub(super) const TYPES: [&str; 3] = ["consent", "enrollment", "login"];
/// What they will be able to refer to.
const NOT_YET: [&str; 1] = ["mandate"];

/// What a code is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Consent,
    Enrollment,
    Login,
}

pub async fn generate(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let (target, minutes) = parse(Fields::of(object))?;
    let context = client.command(&app);
    let waits = waits_until(&app, &client, target, context.at).await?;
    let wanted = minutes.map(|minutes| (context.at + TimeDelta::minutes(minutes)).trunc_subsecs(0));
    let expires_at = [wanted, waits].into_iter().flatten().min().ok_or_else(ApiError::server_error)?;
    let reference: Reference = Referred::Open { until: waits.unwrap_or(expires_at) }.into();
    let generate = Generate { client_id: client.id, target, expires_at, at: context.at };
    let code_id = QrId(crate::ids::new_id());
    let id = code_id.to_string();
    let respond = |code: &Code, sequence: i64| {
        let generation = code.generation().ok_or_else(ApiError::server_error)?;
        let mut shown = Shown::new(&app, code_id, generation, &reference, context.at).body();
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

fn parse(mut fields: Fields) -> Result<(Target, Option<i64>), ApiError> {
    let kind = fields.required("type", kind);
    let target = match kind {
        Some(Kind::Consent) => fields.required("referenceId", consent_id).map(Target::Consent),
        Some(Kind::Enrollment) => fields.required("referenceId", enrollment_id).map(Target::Enrollment),
        Some(Kind::Login) => {
            fields.optional("referenceId", none_of_a_login);
            Some(Target::Login(LoginId(crate::ids::new_id())))
        }
        None => fields.optional("referenceId", |_| Ok(())).and(None),
    };
    let is_login = kind == Some(Kind::Login);
    let longest = if is_login { MAX_LOGIN_MINUTES } else { MAX_MINUTES };
    let minutes = fields.optional("expiresIn", |value| integer(value, "invalid_expires_in", 1, longest));
    fields.finish()?;
    let minutes = minutes.or(is_login.then_some(USUAL_LOGIN_MINUTES));
    Ok((target.ok_or_else(ApiError::server_error)?, minutes))
}

/// Until when that waits which a code is to refer to, if it is the client's: another's is as good as none. A login waits
/// for as long as its code is good.
async fn waits_until(
    app: &App,
    client: &ApiClient,
    target: Target,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    let (what, referred, status) = match target {
        Target::Consent(id) => {
            let found = app.current.consent(id).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            let own = session.filter(|session| session.request.client_id == client.id);
            let session = own.ok_or_else(|| unknown("consent"))?;
            ("consent", of_consent(session, now), session.status_at(now).as_str())
        }
        Target::Enrollment(id) => {
            let found = enrollments::find(&app.pool, id, None).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            let own = session.filter(|session| session.request.client_id == client.id);
            let session = own.ok_or_else(|| unknown("enrollment"))?;
            ("enrollment", of_enrollment(session, now), session.status_at(now).as_str())
        }
        Target::Login(_) => return Ok(None),
    };
    match referred {
        Referred::Open { until } => Ok(Some(until)),
        Referred::Decided { .. } | Referred::Ended => {
            Err(ApiError::conflict(format!("The {what} is {status}.")).with_data(json!({ "status": status })))
        }
    }
}

fn unknown(what: &str) -> ApiError {
    ApiError::invalid_field("referenceId", "unknown_reference", format!("There is no such {what}."))
}

fn kind(value: &Value) -> Result<Kind, Invalid> {
    match value.as_str() {
        Some("consent") => Ok(Kind::Consent),
        Some("enrollment") => Ok(Kind::Enrollment),
        Some("login") => Ok(Kind::Login),
        Some(kind) if NOT_YET.contains(&kind) => {
            Err(Invalid::new("unsupported_type", format!("QR codes cannot lead to a {kind} yet.")))
        }
        _ => Err(Invalid::new("invalid_type", format!("It must be one of {}.", TYPES.join(", ")))),
    }
}

fn consent_id(value: &Value) -> Result<ConsentId, Invalid> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Invalid::new("invalid_reference_id", "It must be a consent's id, such as cs_…."))
}

fn enrollment_id(value: &Value) -> Result<EnrollmentId, Invalid> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Invalid::new("invalid_reference_id", "It must be an enrollment's id, such as enr_…."))
}

fn none_of_a_login(_: &Value) -> Result<(), Invalid> {
    Err(Invalid::new("invalid_reference_id", "A login refers to nothing: leave it out."))
}
