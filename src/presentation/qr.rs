//! A QR code as its client sees it.

use chrono::{DateTime, Utc};
use mobid_domain::consent::{Phase, Session, Status as ConsentStatus};
use mobid_domain::qr::{Generation, Referred, Status};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::named;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QrCode)]
pub struct QrBody {
    #[schema(schema_with = named::qr_id)]
    pub id: String,
    /// What kind of thing it refers to.
    #[schema(schema_with = named::qr_type)]
    pub r#type: &'static str,
    /// What it refers to.
    pub reference_id: String,
    #[schema(schema_with = named::qr_status)]
    pub status: Status,
    /// What the code says.
    pub url: String,
    /// Its picture; with the key or with `?watchToken=`.
    pub image_url: String,
    /// It cannot be scanned any more then.
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// When somebody whom it led to the page first did something there.
    #[schema(required)]
    pub scanned_at: Option<DateTime<Utc>>,
    /// When what it refers to was decided, after it was scanned.
    #[schema(required)]
    pub used_at: Option<DateTime<Utc>>,
    /// Lets a page without an API key show the picture and follow the status, for an hour at least; not as of earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub watch_token: Option<String>,
}

/// All that who watches a code sees of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QrCodeWatched {
    #[schema(schema_with = named::qr_id)]
    pub id: String,
    #[schema(schema_with = named::qr_status)]
    pub status: Status,
    pub expires_at: DateTime<Utc>,
    #[schema(required)]
    pub scanned_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub used_at: Option<DateTime<Utc>>,
}

/// Where a consent stands, as its codes see it.
pub fn referred(session: &Session, now: DateTime<Utc>) -> Referred {
    match (&session.phase, session.status_at(now)) {
        (Phase::Approved(approval) | Phase::Revoked { approval: Some(approval), .. }, _) => {
            Referred::Decided { at: approval.at }
        }
        (Phase::Rejected { at, .. }, _) => Referred::Decided { at: *at },
        (Phase::Pending, ConsentStatus::Pending) => Referred::Open { until: session.request.expires_at },
        (Phase::Pending | Phase::Expired { .. } | Phase::Revoked { approval: None, .. }, _) => {
            Referred::Ended
        }
    }
}

/// What a code says: where it leads.
pub fn says(public_origin: &str, id: &str) -> String {
    format!("{public_origin}/qr/{id}")
}

pub fn body(
    public_origin: &str,
    id: &str,
    generation: &Generation,
    referred: Referred,
    now: DateTime<Utc>,
) -> QrBody {
    QrBody {
        id: id.to_owned(),
        r#type: generation.target.kind(),
        reference_id: generation.target.reference(),
        status: generation.status_at(now, referred),
        url: says(public_origin, id),
        image_url: format!("{public_origin}/v1/qr/{id}/image"),
        expires_at: generation.expires_at,
        created_at: generation.created_at,
        scanned_at: generation.scanned_at,
        used_at: used_at(generation, referred),
        watch_token: None,
    }
}

pub fn watched(id: &str, generation: &Generation, referred: Referred, now: DateTime<Utc>) -> QrCodeWatched {
    QrCodeWatched {
        id: id.to_owned(),
        status: generation.status_at(now, referred),
        expires_at: generation.expires_at,
        scanned_at: generation.scanned_at,
        used_at: used_at(generation, referred),
    }
}

fn used_at(generation: &Generation, referred: Referred) -> Option<DateTime<Utc>> {
    match referred {
        Referred::Decided { at } if generation.scanned_at.is_some() => Some(at),
        Referred::Decided { .. } | Referred::Open { .. } | Referred::Ended => None,
    }
}
