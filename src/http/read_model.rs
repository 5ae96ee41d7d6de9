//! A list shows what was acknowledged before it was asked for.

use std::time::Duration;

use super::authentication::ApiClient;
use super::error::ApiError;
use crate::app::App;

/// How long a list waits for its read model.
const BARRIER: Duration = Duration::from_secs(2);

/// Waits, bounded, until the read model has what the log had when the request came; answers with the position that it reflects.
pub async fn caught_up(app: &App, client: &ApiClient, follower: &str) -> Result<i64, ApiError> {
    Ok(app.followers.wait_for(&app.pool, follower, client.as_of.log, BARRIER).await?)
}
