//! `POST /v1/webhooks`: register an endpoint.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::id::EndpointId;
use mobid_domain::webhook::{Created, Endpoint, EndpointCommand, EndpointEvent, EventType};

use super::values;
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, text};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::web_url::endpoint_url;
use crate::presentation::webhook::{EndpointBody, body};
use crate::vault::{DataKey, Place, SealError, Subject};

pub(super) const MAX_DESCRIPTION: usize = 500;

/// What a client asks for.
struct NewEndpoint {
    url: String,
    event_types: Vec<EventType>,
    description: Option<String>,
}

pub async fn create(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let new = parse(Fields::of(object), app.config.webhook_allow_private)?;
    let key = app.vault.key_or_new(client.id, Subject::Tenant).await?;
    let context = client.command(&app);
    let id = EndpointId(crate::ids::new_id()).to_string();
    let secret = crate::secret::webhook_secret();
    let created = seal(&new, &client, &id, &secret, &key, context.at)?;
    let respond = |endpoint: &Endpoint, sequence: i64| {
        let registration = endpoint.registration().ok_or_else(ApiError::server_error)?;
        // The one time that the secret is shown.
        let body = EndpointBody { secret: Some(secret.to_string()), ..body(&id, registration, Some(&key))? };
        Ok::<_, ApiError>(ok("Webhook endpoint created", &body)?.version(sequence))
    };
    let record = |endpoint: &Endpoint, sequence: i64| idempotency.record(|| respond(endpoint, sequence));
    let terms = Terms { new: true, answer: Some(&record), ..Terms::default() };
    let command = EndpointCommand::Create(Box::new(created));
    let executed = app.store.execute::<Endpoint>(&id, command, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(endpoint = id, position = executed.appended.map(|a| a.position), "endpoint created");
    respond(&executed.state, executed.sequence)
}

fn parse(mut fields: Fields, http_anywhere: bool) -> Result<NewEndpoint, ApiError> {
    let url = fields.required("url", |value| endpoint_url(value, "invalid_url", http_anywhere));
    let event_types = fields.optional("eventTypes", values::event_types);
    let description = fields.optional("description", |value| {
        text(value, "invalid_description", MAX_DESCRIPTION).map(str::to_owned)
    });
    fields.finish()?;
    let url = url.ok_or_else(ApiError::server_error)?;
    Ok(NewEndpoint { url, event_types: event_types.unwrap_or_default(), description })
}

fn seal(
    new: &NewEndpoint,
    client: &ApiClient,
    id: &str,
    secret: &str,
    key: &DataKey,
    at: DateTime<Utc>,
) -> Result<Created, SealError> {
    let place = Place { tenant: client.id, aggregate_id: id, event_type: EndpointEvent::CREATED, field: "" };
    let sealed = |field, text: &str| key.seal(&place.field(field), text.as_bytes());
    Ok(Created {
        client_id: client.id,
        url: sealed("url", &new.url)?,
        event_types: new.event_types.clone(),
        description: new.description.as_deref().map(|text| sealed("description", text)).transpose()?,
        secret: sealed("secret", secret)?,
        at,
    })
}
