//! `GET /v1/clients/{id}`, now or as it was.

use axum::extract::State;
use mobid_domain::id::ClientId;
use mobid_projections::client as clients;

use super::{may_see, present};
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::presentation::client::body;

pub async fn retrieve(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of();
    query.finish()?;
    may_see(&client, id)?;
    let found = clients::find(&app.pool, id, as_of).await?.ok_or_else(ApiError::not_found)?;
    let account = present(found.state.account())?;
    // Uses are no history: of then nobody knows.
    let asked = if as_of.is_none() { Some(account.key.key_id) } else { None };
    let used = app.keys.uses.last(&app.pool, asked).await?;
    Ok(ok("Client", &body(account, used.get(&account.key.key_id)))?.version(found.sequence))
}
