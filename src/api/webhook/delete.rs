//! `DELETE /v1/webhooks/{id}`: nothing more is sent there, what is waiting included.

use axum::extract::State;
use mobid_domain::id::EndpointId;
use mobid_domain::webhook::{Endpoint, EndpointCommand};

use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;
use crate::presentation::webhook::body;
use crate::vault::Subject;

pub async fn delete(
    client: ApiClient,
    Id(id): Id<EndpointId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let (id, context) = (id.to_string(), client.command(&app));
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let executed = app.store.execute::<Endpoint>(&id, EndpointCommand::Delete, &context, terms).await?;
    let registration = executed.state.registration().ok_or_else(ApiError::not_found)?;
    let key = app.vault.key(client.id, Subject::Tenant).await?;
    let body = body(&id, registration, key.as_ref())?;
    Ok(ok("Webhook endpoint deleted", &body)?.version(executed.sequence))
}
