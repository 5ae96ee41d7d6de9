//! `POST /v1/devices/{id}/unblock`.

use axum::extract::State;
use mobid_domain::device::DeviceCommand;
use mobid_domain::id::DeviceId;

use super::post;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::ApiResult;
use crate::http::fields::Fields;
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::router::Id;

pub async fn unblock(
    client: ApiClient,
    Id(id): Id<DeviceId>,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    Fields::of(object).finish()?;
    let command = |_: &str, _: Option<&_>| Ok(DeviceCommand::Unblock);
    let (executed, answer) = post(&app, &client, id, &idempotency, "Device unblocked", command).await?;
    tracing::info!(device = %id, sequence = executed.sequence, "device unblocked");
    Ok(answer)
}
