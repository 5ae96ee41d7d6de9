//! `GET /v1/service/consents/{id}/evidence`: what a third party needs to verify the recipient's decisions offline.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::consent::{Assurance, Consent, ConsentEvent};
use mobid_domain::id::{ConsentId, EventId};
use mobid_domain::recorded::Recorded;
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::fold;
use mobid_projections::stream::reader::AsOf;
use serde::Serialize;
use utoipa::ToSchema;

use super::retrieve::own;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::openapi::named;
use crate::person::decision::DOMAIN;
use crate::presentation::proof::{Opener, ProofBody};
use crate::vault::Subject;

/// One decision of the recipient's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentEvidence)]
pub(super) struct Item {
    /// The event that recorded the decision.
    #[schema(schema_with = named::event_id)]
    id: EventId,
    /// `approve`, `reject` or `withdraw`.
    action: &'static str,
    position: i64,
    sequence: i64,
    at: DateTime<Utc>,
    #[schema(schema_with = named::assurance_or_null, required)]
    assurance: Option<Assurance>,
    /// What the passkey signed; `null` of a decision by one-time code.
    #[schema(required)]
    proof: Option<ProofBody>,
}

pub async fn evidence(
    client: ApiClient,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let (events, _) = consents::events_as_of(&app.pool, id, AsOf::Position(i64::MAX)).await?;
    let folded = fold::<Consent>(&events)?;
    let (_, session) = own(&client, folded.as_ref())?;
    let key = app.vault.key(client.id, Subject::Person(session.request.user_id)).await?;
    let opener = Opener {
        app: &app,
        client: client.id,
        id: id.to_string(),
        key: key.as_ref(),
        event_type: ConsentEvent::PROVED,
        domain: DOMAIN,
    };
    let mut items = vec![];
    let mut proof = None;
    for event in &events {
        match event.decode::<Consent>().map_err(|error| ApiError::internal(&error))? {
            ConsentEvent::Proved { proof: proved, .. } => proof = Some(opener.body(&proved)?),
            decided => items.extend(item(event, &decided, &mut proof)),
        }
    }
    ok("Consent evidence", &Page::whole(items))
}

fn item(event: &Recorded, decided: &ConsentEvent, proof: &mut Option<ProofBody>) -> Option<Item> {
    use mobid_domain::consent::RevokedBy;
    let (action, assurance) = match decided {
        ConsentEvent::Approved { assurance, .. } => ("approve", Some(assurance.clone())),
        ConsentEvent::Rejected { assurance, .. } => ("reject", Some(assurance.clone())),
        ConsentEvent::Revoked { by: RevokedBy::Recipient, .. } => ("withdraw", None),
        _ => return None,
    };
    Some(Item {
        id: EventId(event.event_id),
        action,
        position: event.position,
        sequence: event.sequence,
        at: decided.at(),
        assurance,
        proof: proof.take(),
    })
}
