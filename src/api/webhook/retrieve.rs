//! `GET /v1/webhooks/{id}`, now or as it was.

use axum::extract::State;
use mobid_domain::id::EndpointId;
use mobid_domain::webhook::{Endpoint, Registration, Status};
use mobid_projections::stream::fold::Folded;
use mobid_projections::webhook::query as endpoints;

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::presentation::webhook::body;
use crate::vault::Subject;

pub async fn retrieve(
    client: ApiClient,
    Id(id): Id<EndpointId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of();
    query.finish()?;
    let found = match as_of {
        Some(as_of) => endpoints::as_of(&app.pool, id, as_of).await?,
        None => endpoints::current(&app.pool, id).await?,
    };
    let (folded, registration) = own(&client, found.as_ref())?;
    let key = app.vault.key(client.id, Subject::Tenant).await?;
    let body = body(&id.to_string(), registration, key.as_ref())?;
    Ok(ok("Webhook endpoint", &body)?.version(folded.sequence))
}

/// The endpoint, if it is there, is not deleted and is this client's.
fn own<'a>(
    client: &ApiClient,
    found: Option<&'a Folded<Endpoint>>,
) -> Result<(&'a Folded<Endpoint>, &'a Registration), ApiError> {
    let folded = found.ok_or_else(ApiError::not_found)?;
    match folded.state.registration() {
        Some(registration)
            if registration.client_id == client.id && registration.status != Status::Deleted =>
        {
            Ok((folded, registration))
        }
        _ => Err(ApiError::not_found()),
    }
}
