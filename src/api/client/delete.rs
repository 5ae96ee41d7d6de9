//! `DELETE /v1/clients/{id}`: its keys are good no more, on any instance; what it did stays in the log.

use axum::extract::State;
use mobid_domain::client::{Client, ClientCommand};
use mobid_domain::id::ClientId;

use super::command;
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;
use crate::presentation::client::body;

pub async fn delete(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let context = command(&client, &app, id);
    let executed =
        app.store.execute::<Client>(&id.to_string(), ClientCommand::Delete, &context, terms).await?;
    tracing::info!(client = %id, "client deleted");
    let account = executed.state.account().ok_or_else(ApiError::not_found)?;
    let used = app.keys.uses.last(&app.pool, [account.key.key_id]).await?;
    Ok(ok("Client deleted", &body(account, used.get(&account.key.key_id)))?.version(executed.sequence))
}
