//! `GET /v1/qr/{id}/evidence`: what a third party needs to verify offline who logged in by a code.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::fido::{Login, LoginEvent};
use mobid_domain::id::{EventId, QrId};
use mobid_domain::qr::{Code, Target};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::openapi::named;
use crate::person::login::DOMAIN;
use crate::presentation::proof::{Opener, ProofBody};
use crate::vault::Subject;

/// The login that came of a code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LoginEvidence)]
pub(super) struct Item {
    /// The event that recorded the login.
    #[schema(schema_with = named::event_id)]
    id: EventId,
    /// `login`.
    action: &'static str,
    position: i64,
    sequence: i64,
    at: DateTime<Utc>,
    #[schema(schema_with = named::user_id)]
    user_id: String,
    /// What the passkey signed; `null` of a login from before that was kept.
    #[schema(required)]
    proof: Option<ProofBody>,
}

pub async fn evidence(
    client: ApiClient,
    Id(id): Id<QrId>,
    State(app): State<App>,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let code = app.store.load::<Code>(&id.to_string()).await?.state;
    let generation = code.generation().filter(|generation| generation.client_id == client.id);
    let items = match generation.ok_or_else(ApiError::not_found)?.target {
        Target::Login(login) => item(&app, &client, login.to_string()).await?,
        // They have evidence of their own.
        Target::Consent(_) | Target::Enrollment(_) => None,
    };
    ok("QR code evidence", &Page::whole(items.into_iter().collect::<Vec<_>>()))
}

/// The login, if anybody logged in, with the proof before it.
async fn item(app: &App, client: &ApiClient, id: String) -> Result<Option<Item>, ApiError> {
    let mut proof = None;
    for event in app.store.events::<Login>(&id, 0).await? {
        match event.decode::<Login>().map_err(|error| ApiError::internal(&error))? {
            LoginEvent::Proved { proof: proved, .. } => proof = Some(proved),
            LoginEvent::Failed(_) => {}
            LoginEvent::Succeeded(succeeded) => {
                let key = app.vault.key(client.id, Subject::Person(succeeded.user_id)).await?;
                let (key, event_type) = (key.as_ref(), LoginEvent::PROVED);
                let opener = Opener { app, client: client.id, id, key, event_type, domain: DOMAIN };
                return Ok(Some(Item {
                    id: EventId(event.event_id),
                    action: "login",
                    position: event.position,
                    sequence: event.sequence,
                    at: succeeded.at,
                    user_id: succeeded.user_id.to_string(),
                    proof: proof.map(|proof| opener.body(&proof)).transpose()?,
                }));
            }
        }
    }
    Ok(None)
}
