//! `POST /v1/clients/{id}/regenerate-key`: a new API key, shown once.

use axum::extract::State;
use chrono::TimeDelta;
use mobid_domain::client::{Client, ClientCommand};
use mobid_domain::id::ClientId;

use super::{command, may_see, present};
use crate::app::App;
use crate::event_store::{Claim, Terms};
use crate::http::authentication::{ApiClient, ApiKey, KEY_CLAIM};
use crate::http::body::OptionalJsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::fields::{Fields, integer};
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::presentation::client::{ClientBody, body};

pub(super) const MAX_GRACE: i64 = 86_400;

pub async fn regenerate_key(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    OptionalJsonObject(object): OptionalJsonObject,
) -> ApiResult {
    query.finish()?;
    may_see(&client, id)?;
    let mut fields = Fields::of(object);
    let grace =
        fields.optional("graceSeconds", |value| integer(value, "invalid_grace_seconds", 0, MAX_GRACE));
    fields.finish()?;
    let (key, context) = (ApiKey::random(), command(&client, &app, id));
    let grace_until = context.at + TimeDelta::seconds(grace.unwrap_or(0));
    let respond = |client: &Client, sequence: i64| {
        let account = present(client.account())?;
        let body = ClientBody { api_key: Some(key.reveal().to_owned()), ..body(account, None) };
        ok("API key regenerated", &body).map(|answer| answer.version(sequence))
    };
    let record = |client: &Client, sequence: i64| idempotency.record(|| respond(client, sequence));
    let claims = vec![Claim { kind: KEY_CLAIM, key: key.hash().to_vec() }];
    let terms = Terms { claims, answer: Some(&record), ..Terms::default() };
    let regenerate = ClientCommand::RegenerateKey { key: key.recorded(), grace_until: Some(grace_until) };
    let executed = app.store.execute::<Client>(&id.to_string(), regenerate, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(client = %id, "API key regenerated");
    respond(&executed.state, executed.sequence)
}
