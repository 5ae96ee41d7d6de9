//! `POST /v1/enrollments`.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use mobid_domain::enrollment::{Create, Enrollment, EnrollmentCommand, EnrollmentEvent};
use mobid_domain::handle::Handle;
use mobid_domain::id::{EnrollmentId, UserId};

use super::values;
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, integer, recipient};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::web_url::{callback_url, return_url};
use crate::presentation::enrollment as present;
use crate::vault::{DataKey, Place, SealError};

/// Minutes an enrollment waits if its client does not say.
pub(super) const DEFAULT_MINUTES: i64 = 1_440;
pub(super) const MAX_MINUTES: i64 = 43_200;

/// What a client asks for.
struct NewEnrollment {
    recipient: Handle,
    display_name: Option<String>,
    claims: Option<BTreeMap<String, String>>,
    callback_url: Option<String>,
    return_url: Option<String>,
    minutes: i64,
}

/// `POST /v1/enrollments`: ask a person to register a passkey.
pub async fn create(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let new = parse(Fields::of(object), &client)?;
    let (user_id, key) = app.vault.person(client.id, &new.recipient).await?;
    let context = client.command(&app);
    let id = EnrollmentId(crate::ids::new_id()).to_string();
    let create = seal(&new, &client, &id, user_id, &key, context.at)?;
    let origin = app.config.public_origin();
    let respond = |enrollment: &Enrollment, sequence: i64| {
        let session = enrollment.session().ok_or_else(ApiError::server_error)?;
        let body = present::body(&origin, &id, session, Some(&key), context.at)?;
        Ok::<_, ApiError>(ok("Enrollment created", &body)?.version(sequence))
    };
    let record =
        |enrollment: &Enrollment, sequence: i64| idempotency.record(|| respond(enrollment, sequence));
    let terms = Terms { new: true, answer: Some(&record), ..Terms::default() };
    let command = EnrollmentCommand::Create(Box::new(create));
    let executed = app.store.execute::<Enrollment>(&id, command, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(enrollment = id, position = executed.appended.map(|a| a.position), "enrollment created");
    respond(&executed.state, executed.sequence)
}

fn parse(mut fields: Fields, client: &ApiClient) -> Result<NewEnrollment, ApiError> {
    let recipient = fields.required("recipient", recipient);
    let display_name = fields.optional("displayName", values::display_name);
    let claims = fields.optional("claims", values::claims);
    let callback_url =
        fields.optional("callbackUrl", |value| callback_url(value, &client.account.callback_hosts));
    let return_url = fields.optional("returnUrl", |value| return_url(value, &client.account.origins));
    let minutes = fields.optional("expiresIn", |value| integer(value, "invalid_expires_in", 1, MAX_MINUTES));
    fields.finish()?;
    Ok(NewEnrollment {
        recipient: recipient.ok_or_else(ApiError::server_error)?,
        display_name,
        claims: claims.filter(|claims| !claims.is_empty()),
        callback_url,
        return_url,
        minutes: minutes.unwrap_or(DEFAULT_MINUTES),
    })
}

fn seal(
    new: &NewEnrollment,
    client: &ApiClient,
    id: &str,
    user_id: UserId,
    key: &DataKey,
    at: DateTime<Utc>,
) -> Result<Create, SealError> {
    let place =
        Place { tenant: client.id, aggregate_id: id, event_type: EnrollmentEvent::CREATED, field: "" };
    let text = |field, text: &Option<String>| {
        text.as_ref().map(|text| key.seal(&place.field(field), text.as_bytes())).transpose()
    };
    let claims = new.claims.as_ref().map(serde_json::to_vec).transpose();
    let claims = claims.map_err(|_| SealError::Malformed)?;
    Ok(Create {
        client_id: client.id,
        user_id,
        recipient: key.seal(&place.field("recipient"), new.recipient.as_str().as_bytes())?,
        display_name: text("displayName", &new.display_name)?,
        claims: claims.map(|json| key.seal(&place.field("claims"), &json)).transpose()?,
        callback_url: text("callbackUrl", &new.callback_url)?,
        return_url: text("returnUrl", &new.return_url)?,
        // Whole seconds, as a consent's.
        expires_at: (at + TimeDelta::minutes(new.minutes)).trunc_subsecs(0),
        at,
    })
}
