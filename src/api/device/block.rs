//! `POST /v1/devices/{id}/block`: it fails at once, until it is unblocked.

use axum::extract::State;
use mobid_domain::device::{DeviceCommand, DeviceEvent};
use mobid_domain::id::DeviceId;

use super::post;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::ApiResult;
use crate::http::fields::{Fields, text};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::vault::Place;

pub(super) const MAX_REASON: usize = 500;

pub async fn block(
    client: ApiClient,
    Id(id): Id<DeviceId>,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    let mut fields = Fields::of(object);
    let reason =
        fields.optional("reason", |value| text(value, "invalid_reason", MAX_REASON).map(str::to_owned));
    fields.finish()?;
    let (executed, answer) = post(&app, &client, id, &idempotency, "Device blocked", |id, key| {
        let place =
            Place { tenant: client.id, aggregate_id: id, event_type: DeviceEvent::BLOCKED, field: "reason" };
        // Of whom everything was erased nothing more is written down.
        let reason = reason.zip(key).map(|(reason, key)| key.seal(&place, reason.as_bytes())).transpose()?;
        Ok(DeviceCommand::Block { reason })
    })
    .await?;
    tracing::info!(device = %id, sequence = executed.sequence, "device blocked");
    Ok(answer)
}
