//! A QR code as its client sees it.

use chrono::{DateTime, Utc};
use mobid_domain::consent::{Phase, Session, Status as ConsentStatus};
use mobid_domain::enrollment::{self, Phase as EnrollmentPhase};
use mobid_domain::fido::{Attempt, Outcome};
use mobid_domain::id::QrId;
use mobid_domain::qr::{EndReason, Generation, Referred, Status, Target};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::matching_number;
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
    /// What it refers to. Of a login, the attempt that comes of it if one does: what `auth.success` tells of.
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
    /// Of a login, the three digits that the client's page shows beside the code. Whoever scans it has to enter them; so
    /// who was led to scan somebody else's code logs nobody in.
    #[schema(required, example = "042")]
    pub matching_number: Option<String>,
    /// Of a login, who logged in.
    #[schema(required)]
    pub result: Option<LoginResult>,
    /// Of a login whose code ended before its time, and is `expired`: why.
    #[schema(schema_with = named::qr_end_or_null, required)]
    pub end_reason: Option<EndReason>,
    /// Lets a page without an API key show the picture and follow the status, for an hour at least; not as of earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub watch_token: Option<String>,
}

/// Who logged in by a code.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QrCodeResult)]
pub struct LoginResult {
    /// As the client knows them everywhere else.
    #[schema(schema_with = named::user_id)]
    pub user_id: String,
    /// By biometric or PIN; always so.
    pub user_verified: bool,
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

/// What a code refers to, as its code sees it: where it stands, and who logged in if it is a login.
#[derive(Debug, Clone)]
pub struct Reference {
    pub referred: Referred,
    pub result: Option<LoginResult>,
}

impl From<Referred> for Reference {
    fn from(referred: Referred) -> Self {
        Self { referred, result: None }
    }
}

/// Where a consent stands, as its codes see it.
pub fn of_consent(session: &Session, now: DateTime<Utc>) -> Referred {
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

/// The same of an enrollment.
pub fn of_enrollment(session: &enrollment::Session, now: DateTime<Utc>) -> Referred {
    match session.phase {
        EnrollmentPhase::Completed { at, .. } => Referred::Decided { at },
        EnrollmentPhase::Pending | EnrollmentPhase::DeviceRegistered if session.status_at(now).is_open() => {
            Referred::Open { until: session.request.expires_at }
        }
        EnrollmentPhase::Pending
        | EnrollmentPhase::DeviceRegistered
        | EnrollmentPhase::Expired { .. }
        | EnrollmentPhase::Failed { .. }
        | EnrollmentPhase::Cancelled { .. } => Referred::Ended,
    }
}

/// The same of a login: it waits for as long as its code is good.
pub fn of_login(generation: &Generation, attempt: Option<&Attempt>) -> Reference {
    if let Some(Attempt { outcome: Outcome::Succeeded { user_verified }, user_id: Some(user), at, .. }) =
        attempt
    {
        let result = LoginResult { user_id: user.to_string(), user_verified: *user_verified };
        return Reference { referred: Referred::Decided { at: *at }, result: Some(result) };
    }
    match generation.ended {
        Some(_) => Referred::Ended.into(),
        None => Referred::Open { until: generation.expires_at }.into(),
    }
}

/// What a code says: where it leads.
pub fn says(public_origin: &str, id: &str) -> String {
    format!("{public_origin}/qr/{id}")
}

/// A code at a moment.
pub struct Shown<'a> {
    id: QrId,
    public_origin: String,
    matching_number: Option<String>,
    generation: &'a Generation,
    reference: &'a Reference,
    now: DateTime<Utc>,
}

impl<'a> Shown<'a> {
    pub fn new(
        app: &App,
        id: QrId,
        generation: &'a Generation,
        reference: &'a Reference,
        now: DateTime<Utc>,
    ) -> Self {
        let matching_number = match generation.target {
            Target::Login(_) => Some(matching_number::of(app.vault.master(), id)),
            Target::Consent(_) | Target::Enrollment(_) => None,
        };
        Self { id, public_origin: app.config.public_origin(), matching_number, generation, reference, now }
    }

    /// For its client.
    pub fn body(&self) -> QrBody {
        let Self { id, generation, .. } = self;
        let id = id.to_string();
        QrBody {
            r#type: generation.target.kind(),
            reference_id: generation.target.reference(),
            status: self.status(),
            url: says(&self.public_origin, &id),
            image_url: format!("{}/v1/qr/{id}/image", self.public_origin),
            expires_at: generation.expires_at,
            created_at: generation.created_at,
            scanned_at: generation.scanned_at,
            used_at: self.used_at(),
            matching_number: self.matching_number.clone(),
            result: self.reference.result.clone(),
            end_reason: generation.ended.filter(|_| self.reference.result.is_none()).map(|end| end.reason),
            watch_token: None,
            id,
        }
    }

    /// For who watches it.
    pub fn watched(&self) -> QrCodeWatched {
        QrCodeWatched {
            id: self.id.to_string(),
            status: self.status(),
            expires_at: self.generation.expires_at,
            scanned_at: self.generation.scanned_at,
            used_at: self.used_at(),
        }
    }

    fn status(&self) -> Status {
        self.generation.status_at(self.now, self.reference.referred)
    }

    fn used_at(&self) -> Option<DateTime<Utc>> {
        match self.reference.referred {
            Referred::Decided { at } if self.generation.scanned_at.is_some() => Some(at),
            Referred::Decided { .. } | Referred::Open { .. } | Referred::Ended => None,
        }
    }
}
