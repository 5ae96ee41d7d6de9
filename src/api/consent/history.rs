//! `GET /v1/service/consents/{id}/history`: its events, with what changed.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::consent::Consent;
use mobid_domain::id::{ConsentId, EventId};
use mobid_domain::recorded::{Metadata, Recorded};
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::reader::AsOf;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::retrieve::own;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::openapi::named;
use crate::presentation::consent as present;
use crate::vault::{DataKey, Subject};

pub async fn history(
    client: ApiClient,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of().unwrap_or(AsOf::Position(i64::MAX));
    query.finish()?;
    let (events, revoked) = consents::events_as_of(&app.pool, id, as_of).await?;
    let id = id.to_string();
    let folded = fold::<Consent>(&events)?;
    let (_, session) = own(&client, folded.as_ref())?;
    let key = app.vault.key(client.id, Subject::Person(session.request.user_id)).await?;
    let items = items(&app.config.public_origin(), &id, &events, revoked, key.as_ref())?;
    ok("Consent history", &Page::whole(items))
}

/// Each event with the fields that read otherwise after it than before; once `revoked`, without claims throughout.
fn items(
    origin: &str,
    id: &str,
    events: &[Recorded],
    revoked: bool,
    key: Option<&DataKey>,
) -> Result<Vec<Item>, ApiError> {
    let mut items = Vec::new();
    let mut before = Value::Null;
    let Some(first) = events.first() else { return Ok(items) };
    let mut folded = Folded::<Consent>::empty(&first.tenant);
    for event in events {
        let decoded = event.decode::<Consent>().map_err(|error| ApiError::internal(&error))?;
        folded.take(event)?;
        if revoked {
            folded.state.forget_claims();
        }
        let Some(session) = folded.state.session() else { continue };
        let after = as_seen(origin, id, session, key, decoded.at())?;
        items.push(item(event, decoded.at(), changes(&before, &after))?);
        before = after;
    }
    Ok(items)
}

fn as_seen(
    origin: &str,
    id: &str,
    session: &mobid_domain::consent::Session,
    key: Option<&DataKey>,
    at: DateTime<Utc>,
) -> Result<Value, ApiError> {
    let body = present::body(origin, id, session, key, at)?;
    serde_json::to_value(body).map_err(|error| ApiError::internal(&error))
}

/// `{field: {from, to}}`; of a new resource everything that is there.
fn changes(before: &Value, after: &Value) -> Map<String, Value> {
    let Value::Object(after) = after else { return Map::new() };
    after
        .iter()
        .filter(|(name, value)| before.get(name.as_str()).unwrap_or(&Value::Null) != *value)
        .map(|(name, value)| {
            (name.clone(), json!({ "from": before.get(name.as_str()).unwrap_or(&Value::Null), "to": value }))
        })
        .collect()
}

/// One event, as history shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentEvent)]
pub(super) struct Item {
    #[schema(schema_with = named::event_id)]
    id: EventId,
    #[serde(rename = "type")]
    event_type: String,
    /// In the whole log.
    position: i64,
    /// In this consent.
    sequence: i64,
    /// When it happened.
    at: DateTime<Utc>,
    /// When the log took it.
    recorded_at: DateTime<Utc>,
    actor: Actor,
    #[schema(required)]
    request_id: Option<String>,
    /// `{field: {from, to}}`: what reads otherwise after it than before.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Actor {
    #[schema(required)]
    kind: Option<String>,
    #[schema(required)]
    id: Option<String>,
    #[schema(required)]
    key_id: Option<String>,
}

fn item(event: &Recorded, at: DateTime<Utc>, changes: Map<String, Value>) -> Result<Item, ApiError> {
    let metadata = event.metadata().map_err(|error| ApiError::internal(&error))?;
    let known = |key| metadata.get(key).map(str::to_owned);
    Ok(Item {
        id: EventId(event.event_id),
        event_type: event.event_type.clone(),
        position: event.position,
        sequence: event.sequence,
        at,
        recorded_at: event.recorded_at,
        actor: Actor {
            kind: known(Metadata::ACTOR_KIND),
            id: known(Metadata::ACTOR_ID),
            key_id: known(Metadata::KEY_ID),
        },
        request_id: known(Metadata::REQUEST_ID),
        changes,
    })
}
