//! `GET /v1/service/consents/{id}/evidence`: what a third party needs to verify the recipient's decisions offline.

use axum::extract::State;
use chrono::{DateTime, Utc};
use mobid_domain::consent::{Assurance, Consent, ConsentEvent, Proof};
use mobid_domain::id::{ConsentId, EventId};
use mobid_domain::recorded::Recorded;
use mobid_domain::sealed::{Sealed, SealedIn};
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::fold;
use mobid_projections::stream::reader::AsOf;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::retrieve::own;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::openapi::named;
use crate::person::decision::{DOMAIN, base64url};
use crate::presentation::ERASED;
use crate::vault::{DataKey, SealError, Subject};

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

/// A passkey's answer (Web Authentication Level 3, section 7.2). What it signed is `authenticatorData` ‖
/// SHA-256(`clientDataJSON`); the challenge in `clientDataJSON` is SHA-256(domain ‖ 0 ‖ nonce ‖ SHA-256(text)). Bytes are
/// in base64url.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentProof)]
struct ProofBody {
    domain: &'static str,
    /// What was shown and decided: JSON with sorted keys, to be taken as it is.
    #[schema(value_type = String)]
    text: Value,
    nonce: String,
    /// The `COSE_Key` of the passkey (RFC 9052, section 7): the same for every client that its holder decides for.
    #[schema(value_type = String)]
    public_key: Value,
    authenticator_data: String,
    #[schema(value_type = String)]
    #[serde(rename = "clientDataJSON")]
    client_data: Value,
    signature: String,
    /// The domain that the passkey is for.
    rp_id: String,
    /// Of the page where it was used.
    origin: String,
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
    let opener = Opener { app: &app, client: &client, id: id.to_string(), key: key.as_ref() };
    let mut items = vec![];
    let mut proof = None;
    for event in &events {
        match event.decode::<Consent>().map_err(|error| ApiError::internal(&error))? {
            ConsentEvent::Proved { proof: proved, .. } => proof = Some(opener.proof(&proved)?),
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

struct Opener<'a> {
    app: &'a App,
    client: &'a ApiClient,
    id: String,
    key: Option<&'a DataKey>,
}

impl Opener<'_> {
    fn proof(&self, proof: &Proof) -> Result<ProofBody, ApiError> {
        let config = &self.app.config;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| SealError::Malformed);
        let encoded = |bytes: Vec<u8>| Ok(base64url(&bytes));
        Ok(ProofBody {
            domain: DOMAIN,
            text: self.open("text", &proof.text, text)?,
            nonce: proof.nonce.clone(),
            public_key: self.open("publicKey", &proof.public_key, encoded)?,
            authenticator_data: proof.authenticator_data.clone(),
            client_data: self.open("clientData", &proof.client_data, encoded)?,
            signature: proof.signature.clone(),
            rp_id: config.public_host().to_owned(),
            origin: config.public_origin(),
        })
    }

    fn open(
        &self,
        field: &str,
        sealed: &Sealed,
        read: impl FnOnce(Vec<u8>) -> Result<String, SealError>,
    ) -> Result<Value, ApiError> {
        let Some(key) = self.key else { return Ok(Value::String(ERASED.to_owned())) };
        let sealed = SealedIn::new(ConsentEvent::PROVED, sealed.clone());
        Ok(Value::String(read(key.open_in(self.client.id, &self.id, field, &sealed)?)?))
    }
}
