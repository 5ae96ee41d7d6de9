//! A consent as its client sees it.
//!
//! Leaves to others: whether they may see it, and whose key opens it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mobid_domain::consent::{Assurance, Phase, RequireAssurance, Session, Status};
use mobid_domain::id::ClientId;
use mobid_domain::sealed::SealedIn;
use mobid_domain::slug::Slug;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::ERASED;
use crate::openapi::named;
use crate::vault::{DataKey, SealError};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Consent)]
pub struct ConsentBody {
    #[schema(schema_with = named::consent_id)]
    pub id: String,
    #[schema(schema_with = named::consent_status)]
    pub status: Status,
    /// As the client gave it; `[erased]` once the person was erased.
    #[schema(value_type = String)]
    pub recipient: Value,
    #[schema(schema_with = named::slug)]
    pub purpose: Slug,
    /// The fields asked for.
    #[schema(value_type = Vec<String>)]
    pub scope: Vec<Slug>,
    /// Who has not decided then cannot any more.
    pub expires_at: DateTime<Utc>,
    /// What a QR code for the recipient has to say.
    pub qr_code: String,
    /// The page where the recipient decides.
    pub url: String,
    #[schema(schema_with = named::user_id)]
    pub user_id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When the recipient first did something on the page.
    #[schema(required)]
    pub scanned_at: Option<DateTime<Utc>>,
    /// When the recipient approved or rejected.
    #[schema(required)]
    pub decided_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<String>, required)]
    pub callback_url: Value,
    #[schema(value_type = Option<String>, required)]
    pub return_url: Value,
    /// The part of the scope that the recipient granted.
    #[schema(value_type = Option<Vec<String>>, required)]
    pub granted_scope: Option<Vec<Slug>>,
    #[schema(schema_with = named::claims_or_null)]
    pub claims: Value,
    #[schema(schema_with = named::assurance_or_null, required)]
    pub assurance: Option<Assurance>,
    #[schema(schema_with = named::require_assurance)]
    pub require_assurance: RequireAssurance,
    /// Whether the link is sent to the recipient.
    pub notify: bool,
    /// The language of the page and of what is sent, as a BCP 47 tag.
    #[schema(required)]
    pub locale: Option<String>,
    #[schema(schema_with = named::metadata)]
    pub metadata: Value,
    /// Lets a page without an API key follow the status, for an hour at least. Where a single consent is answered with
    /// as it is now, for as long as its status can change; never in lists and webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub watch_token: Option<String>,
}

/// All that who watches a consent sees of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentWatched {
    #[schema(schema_with = named::consent_id)]
    pub id: String,
    #[schema(schema_with = named::consent_status)]
    pub status: Status,
    /// Who has not decided then cannot any more.
    pub expires_at: DateTime<Utc>,
    /// When the recipient first did something on the page.
    #[schema(required)]
    pub scanned_at: Option<DateTime<Utc>>,
    /// When the recipient approved or rejected.
    #[schema(required)]
    pub decided_at: Option<DateTime<Utc>>,
}

/// Opens what is sealed in one consent, under its person's key; without a key it was erased.
pub struct Opener<'a> {
    pub tenant: ClientId,
    pub consent_id: &'a str,
    pub key: Option<&'a DataKey>,
}

impl Opener<'_> {
    pub fn text(&self, field: &str, sealed: &SealedIn) -> Result<Value, SealError> {
        match self.key {
            Some(key) => key.open_text_in(self.tenant, self.consent_id, field, sealed).map(Value::String),
            None => Ok(Value::String(ERASED.to_owned())),
        }
    }

    pub fn json<T: DeserializeOwned + Serialize>(
        &self,
        field: &str,
        sealed: &SealedIn,
    ) -> Result<Value, SealError> {
        let Some(key) = self.key else { return Ok(Value::String(ERASED.to_owned())) };
        let plain = key.open_in(self.tenant, self.consent_id, field, sealed)?;
        let value: T = serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)?;
        serde_json::to_value(value).map_err(|_| SealError::Malformed)
    }
}

/// The consent as it stands at `now`, opened with its person's key.
pub fn body(
    public_origin: &str,
    id: &str,
    session: &Session,
    key: Option<&DataKey>,
    now: DateTime<Utc>,
) -> Result<ConsentBody, SealError> {
    let request = &session.request;
    let opener = Opener { tenant: request.client_id, consent_id: id, key };
    let optional = |field, sealed: &Option<SealedIn>| {
        sealed.as_ref().map_or(Ok(Value::Null), |sealed| opener.text(field, sealed))
    };
    let claims = session.approval().and_then(|approval| approval.claims.as_ref());
    Ok(ConsentBody {
        id: id.to_owned(),
        status: session.status_at(now),
        recipient: opener.text("recipient", &request.recipient)?,
        purpose: request.purpose.clone(),
        scope: request.scope.clone(),
        expires_at: request.expires_at,
        qr_code: format!("{public_origin}/qr/{id}"),
        url: format!("{public_origin}/r/{id}"),
        user_id: request.user_id.to_string(),
        created_at: session.created_at,
        updated_at: session.updated_at(now),
        scanned_at: session.scanned_at,
        decided_at: decided_at(&session.phase),
        callback_url: optional("callbackUrl", &request.callback_url)?,
        return_url: optional("returnUrl", &request.return_url)?,
        granted_scope: session.approval().map(|approval| approval.granted_scope.clone()),
        claims: claims.map_or(Ok(Value::Null), |sealed| opener.json::<Value>("claims", sealed))?,
        assurance: assurance(&session.phase).cloned(),
        require_assurance: request.require_assurance,
        notify: request.notify,
        locale: request.locale.clone(),
        metadata: match &request.metadata {
            None => Value::Object(serde_json::Map::new()),
            Some(sealed) => opener.json::<BTreeMap<String, String>>("metadata", sealed)?,
        },
        watch_token: None,
    })
}

/// What can be watched of a consent, as it stands at `now`.
pub fn watched(id: &str, session: &Session, now: DateTime<Utc>) -> ConsentWatched {
    ConsentWatched {
        id: id.to_owned(),
        status: session.status_at(now),
        expires_at: session.request.expires_at,
        scanned_at: session.scanned_at,
        decided_at: decided_at(&session.phase),
    }
}

/// Whether a consent can change no more.
pub fn is_final(status: Status) -> bool {
    match status {
        Status::Pending | Status::Approved => false,
        Status::Rejected | Status::Expired | Status::Revoked => true,
    }
}

/// When the recipient decided, if they did.
fn decided_at(phase: &Phase) -> Option<DateTime<Utc>> {
    match phase {
        Phase::Approved(approval) | Phase::Revoked { approval: Some(approval), .. } => Some(approval.at),
        Phase::Rejected { at, .. } => Some(*at),
        Phase::Pending | Phase::Expired { .. } | Phase::Revoked { approval: None, .. } => None,
    }
}

fn assurance(phase: &Phase) -> Option<&Assurance> {
    match phase {
        Phase::Approved(approval) | Phase::Revoked { approval: Some(approval), .. } => {
            Some(&approval.assurance)
        }
        Phase::Rejected { assurance, .. } => Some(assurance),
        Phase::Pending | Phase::Expired { .. } | Phase::Revoked { approval: None, .. } => None,
    }
}
