//! `DELETE /v1/devices/{id}`: it is good for nothing from now on, and for ever.

use axum::extract::State;
use mobid_domain::device::{Device, DeviceCommand};
use mobid_domain::id::DeviceId;

use super::answer;
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::envelope::ApiResult;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;

pub async fn deregister(
    client: ApiClient,
    Id(id): Id<DeviceId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let (id, context) = (id.to_string(), client.command(&app));
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let executed = app.store.execute::<Device>(&id, DeviceCommand::Deregister, &context, terms).await?;
    let known = executed.state.known().ok_or_else(ApiError::not_found)?;
    tracing::info!(device = id, "device deregistered");
    answer(&app, "Device deregistered", &id, known, executed.sequence).await
}
