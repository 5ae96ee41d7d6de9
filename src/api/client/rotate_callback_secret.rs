//! `POST /v1/clients/{id}/rotate-callback-secret`: a new secret that signs callbacks, shown once.

use axum::extract::State;
use mobid_domain::client::{Client, ClientCommand, ClientEvent};
use mobid_domain::id::ClientId;
use mobid_projections::client as clients;

use super::{command, may_see, present, seal_secret};
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::presentation::client::{ClientBody, body};
use crate::vault::Subject;

pub async fn rotate_callback_secret(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    may_see(&client, id)?;
    Fields::of(object).finish()?;
    let key = app.vault.key(id, Subject::Tenant).await?.ok_or_else(ApiError::not_found)?;
    let (secret, context) = (crate::secret::webhook_secret(), command(&client, &app, id));
    let callback_secret = seal_secret(&key, id, ClientEvent::CALLBACK_SECRET_ROTATED, &secret)?;
    let found = clients::find(&app.pool, id, None).await?.ok_or_else(ApiError::not_found)?;
    let key_id = present(found.state.account())?.key.key_id;
    let used = app.keys.uses.last(&app.pool, [key_id]).await?;
    let respond = |client: &Client, sequence: i64| {
        let account = present(client.account())?;
        let used = used.get(&account.key.key_id);
        let body = ClientBody { callback_secret: Some(secret.to_string()), ..body(account, used) };
        ok("Callback secret rotated", &body).map(|answer| answer.version(sequence))
    };
    let record = |client: &Client, sequence: i64| idempotency.record(|| respond(client, sequence));
    let terms = Terms { answer: Some(&record), ..Terms::default() };
    let rotate = ClientCommand::RotateCallbackSecret { callback_secret };
    let executed = app.store.execute::<Client>(&id.to_string(), rotate, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(client = %id, "callback secret rotated");
    respond(&executed.state, executed.sequence)
}
