//! `POST /v1/service/consents/search` and `POST /v1/service/consents`.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use mobid_domain::consent::{Consent, ConsentCommand, ConsentEvent, Create, RequireAssurance};
use mobid_domain::handle::Handle;
use mobid_domain::id::{ConsentId, UserId};
use mobid_domain::slug::Slug;

use super::{present, values};
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, boolean, integer, recipient};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::web_url::{callback_url, return_url};
use crate::presentation::consent::body;
use crate::vault::{DataKey, Place, SealError};

/// Minutes a consent waits if its client does not say.
pub(super) const DEFAULT_MINUTES: i64 = 1_440;
pub(super) const MAX_MINUTES: i64 = 43_200;

/// What a client asks for.
struct NewConsent {
    recipient: Handle,
    purpose: Slug,
    scope: Vec<Slug>,
    callback_url: Option<String>,
    return_url: Option<String>,
    minutes: i64,
    require_assurance: RequireAssurance,
    notify: bool,
    locale: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

/// `POST /v1/service/consents/search`: create a consent session.
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
    let id = ConsentId(crate::ids::new_id()).to_string();
    let create = seal(&new, &client, &id, user_id, &key, context.at)?;
    let origin = app.config.public_origin();
    let respond = |consent: &Consent, sequence: i64| {
        let session = consent.session().ok_or_else(ApiError::server_error)?;
        let body = body(&origin, &id, session, Some(&key), context.at)?;
        let body = present::with_watch_token(&app, body, context.at);
        Ok::<_, ApiError>(ok("Consent session created", &body)?.version(sequence))
    };
    let record = |consent: &Consent, sequence: i64| idempotency.record(|| respond(consent, sequence));
    let terms = Terms { new: true, answer: Some(&record), ..Terms::default() };
    let command = ConsentCommand::Create(Box::new(create));
    let executed = app.store.execute::<Consent>(&id, command, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(consent = id, position = executed.appended.map(|a| a.position), "consent created");
    respond(&executed.state, executed.sequence)
}

fn parse(mut fields: Fields, client: &ApiClient) -> Result<NewConsent, ApiError> {
    let recipient = fields.required("recipient", recipient);
    let purpose = fields.required("purpose", values::purpose);
    let scope = fields.optional("scope", values::scope);
    let callback_url =
        fields.optional("callbackUrl", |value| callback_url(value, &client.account.callback_hosts));
    let return_url = fields.optional("returnUrl", |value| return_url(value, &client.account.origins));
    let minutes = fields.optional("expiresIn", |value| integer(value, "invalid_expires_in", 1, MAX_MINUTES));
    let require_assurance = fields.optional("requireAssurance", values::require_assurance);
    let notify = fields.optional("notify", |value| boolean(value, "invalid_notify"));
    let locale = fields.optional("locale", values::locale);
    let metadata = fields.optional("metadata", values::metadata);
    fields.finish()?;
    let (Some(recipient), Some(purpose)) = (recipient, purpose) else {
        return Err(ApiError::server_error());
    };
    Ok(NewConsent {
        recipient,
        purpose,
        scope: scope.unwrap_or_default(),
        callback_url,
        return_url,
        minutes: minutes.unwrap_or(DEFAULT_MINUTES),
        require_assurance: require_assurance.unwrap_or_default(),
        notify: notify.unwrap_or_default(),
        locale,
        metadata: metadata.filter(|metadata| !metadata.is_empty()),
    })
}

/// When a session that begins now and waits so long ends: whole seconds, as the reference shows them.
pub(super) fn deadline(now: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    (now + TimeDelta::minutes(minutes)).trunc_subsecs(0)
}

fn seal(
    new: &NewConsent,
    client: &ApiClient,
    id: &str,
    user_id: UserId,
    key: &DataKey,
    at: DateTime<Utc>,
) -> Result<Create, SealError> {
    let place = Place { tenant: client.id, aggregate_id: id, event_type: ConsentEvent::CREATED, field: "" };
    let text = |field, text: &Option<String>| {
        text.as_ref().map(|text| key.seal(&place.field(field), text.as_bytes())).transpose()
    };
    Ok(Create {
        client_id: client.id,
        user_id,
        recipient: key.seal(&place.field("recipient"), new.recipient.as_str().as_bytes())?,
        purpose: new.purpose.clone(),
        scope: new.scope.clone(),
        callback_url: text("callbackUrl", &new.callback_url)?,
        return_url: text("returnUrl", &new.return_url)?,
        metadata: seal_metadata(new.metadata.as_ref(), key, &place)?,
        require_assurance: new.require_assurance,
        notify: new.notify,
        locale: new.locale.clone(),
        expires_at: deadline(at, new.minutes),
        at,
    })
}

pub(super) fn seal_metadata(
    metadata: Option<&BTreeMap<String, String>>,
    key: &DataKey,
    place: &Place<'_>,
) -> Result<Option<mobid_domain::sealed::Sealed>, SealError> {
    let Some(metadata) = metadata else { return Ok(None) };
    let json = serde_json::to_vec(metadata).map_err(|_| SealError::Malformed)?;
    key.seal(&place.field("metadata"), &json).map(Some)
}
