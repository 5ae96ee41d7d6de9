//! `PUT` and `PATCH /v1/clients/{id}`: change the fields that are present.

use axum::extract::State;
use mobid_domain::client::{Changes, Client, ClientCommand, Update};
use mobid_domain::id::ClientId;
use serde_json::Value;

use super::{command, present, values};
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::{Fields, Invalid};
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;
use crate::presentation::client::body;

pub async fn update(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let update = Box::new(parse(Fields::of(object), app.config.public_host())?);
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let context = command(&client, &app, id);
    let command = ClientCommand::Update(update);
    let executed = app.store.execute::<Client>(&id.to_string(), command, &context, terms).await?;
    let account = present(executed.state.account())?;
    let used = app.keys.uses.last(&app.pool, [account.key.key_id]).await?;
    Ok(ok("Client updated", &body(account, used.get(&account.key.key_id)))?.version(executed.sequence))
}

fn parse(mut fields: Fields, hosted: &str) -> Result<Update, ApiError> {
    let update = Update {
        changes: Changes {
            name: fields.replace("name", values::name),
            permissions: fields.replace("permissions", values::permissions),
            rp_id: fields.patch("rpId", |value| values::rp_id(value, hosted)),
            origins: fields.replace("origins", values::origins),
            callback_hosts: fields.replace("callbackHosts", values::callback_hosts),
        },
        plan: fields.replace("plan", values::plan),
        limits: fields.patch("limits", values::limits),
        suspended: fields.replace("status", suspended),
    };
    fields.finish()?;
    Ok(update)
}

fn suspended(value: &Value) -> Result<bool, Invalid> {
    match value.as_str() {
        Some("active") => Ok(false),
        Some("suspended") => Ok(true),
        _ => Err(Invalid::new("invalid_status", "It must be active or suspended; DELETE deletes a client.")),
    }
}
