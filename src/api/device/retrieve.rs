//! `GET /v1/devices/{id}`, now or as it was.

use axum::extract::State;
use mobid_domain::id::DeviceId;
use mobid_projections::device::query as devices;

use super::{answer, own};
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::ApiResult;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;

pub async fn retrieve(
    client: ApiClient,
    Id(id): Id<DeviceId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of();
    query.finish()?;
    let found = match as_of {
        Some(as_of) => devices::as_of(&app.pool, id, as_of).await?,
        None => devices::current(&app.pool, id).await?,
    };
    let folded = found.ok_or_else(ApiError::not_found)?;
    answer(&app, "Device", &id.to_string(), own(&client, &folded.state)?, folded.sequence).await
}
