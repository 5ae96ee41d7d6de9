//! `POST /v1/clients`: a new client, with its key and its callback secret, each shown once.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::client::{Client, ClientCommand, ClientEvent, Created, Limits, Permission, Plan};
use mobid_domain::id::ClientId;

use super::{command, present, seal_secret, values};
use crate::app::App;
use crate::event_store::{Claim, Terms};
use crate::http::authentication::{ApiClient, ApiKey, KEY_CLAIM};
use crate::http::body::JsonObject;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::idempotency::Idempotency;
use crate::http::query::Query;
use crate::presentation::client::{ClientBody, body};
use crate::vault::{DataKey, SealError, Subject};

/// What the owner asks for.
struct NewClient {
    name: String,
    plan: Plan,
    limits: Option<Limits>,
    permissions: Vec<Permission>,
    rp_id: Option<String>,
    origins: Vec<String>,
    callback_hosts: Vec<String>,
}

pub async fn create(
    client: ApiClient,
    State(app): State<App>,
    idempotency: Idempotency,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let new = parse(Fields::of(object), app.config.public_host())?;
    let (id, api_key, secret) =
        (ClientId(crate::ids::new_id()), ApiKey::random(), crate::secret::webhook_secret());
    let context = command(&client, &app, id);
    let key = app.vault.key_or_new(id, Subject::Tenant).await?;
    let limits = new.limits;
    let created = Box::new(new.created(id, &api_key, &secret, &key, context.at)?);
    let respond = |client: &Client, sequence: i64| {
        let body = ClientBody {
            api_key: Some(api_key.reveal().to_owned()),
            callback_secret: Some(secret.to_string()),
            ..body(present(client.account())?, None)
        };
        ok("Client created", &body).map(|answer| answer.version(sequence))
    };
    let record = |client: &Client, sequence: i64| idempotency.record(|| respond(client, sequence));
    let claims = vec![Claim { kind: KEY_CLAIM, key: api_key.hash().to_vec() }];
    let terms = Terms { new: true, claims, answer: Some(&record), ..Terms::default() };
    let create = ClientCommand::Create { created, limits };
    let executed = app.store.execute::<Client>(&id.to_string(), create, &context, terms).await?;
    idempotency.recorded();
    tracing::info!(client = %id, "client created");
    respond(&executed.state, executed.sequence)
}

fn parse(mut fields: Fields, hosted: &str) -> Result<NewClient, ApiError> {
    let name = fields.required("name", values::name);
    let plan = fields.optional("plan", values::plan);
    let limits = fields.optional("limits", values::limits);
    let permissions = fields.required("permissions", values::permissions);
    let rp_id = fields.optional("rpId", |value| values::rp_id(value, hosted));
    let origins = fields.optional("origins", values::origins);
    let callback_hosts = fields.optional("callbackHosts", values::callback_hosts);
    fields.finish()?;
    let (Some(name), Some(permissions)) = (name, permissions) else { return Err(ApiError::server_error()) };
    Ok(NewClient {
        name,
        plan: plan.unwrap_or(Plan::Free),
        limits,
        permissions,
        rp_id,
        origins: origins.unwrap_or_default(),
        callback_hosts: callback_hosts.unwrap_or_default(),
    })
}

impl NewClient {
    fn created(
        self,
        id: ClientId,
        api_key: &ApiKey,
        secret: &str,
        key: &DataKey,
        at: DateTime<Utc>,
    ) -> Result<Created, SealError> {
        Ok(Created {
            client_id: id,
            name: self.name,
            plan: self.plan,
            permissions: self.permissions,
            key: api_key.recorded(),
            callback_secret: seal_secret(key, id, ClientEvent::CREATED, secret)?,
            rp_id: self.rp_id,
            origins: self.origins,
            callback_hosts: self.callback_hosts,
            owner: false,
            at,
        })
    }
}
