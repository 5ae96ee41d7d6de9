//! Every answer of the pages that is not what was asked for, as a page: the only place that picks its status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use mobid_projections::projection::ApplyError;

use super::form::FormError;
use super::language;
use super::me::HOME;
use super::me::refusal::Refusal;
use super::resource::Resource;
use super::view::{Frame, Link, NotePage, render};
use crate::http::request_id;
use crate::person::Trouble;
use crate::vault::{SealError, VaultError};
use crate::words::{Note, Words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// The same for what is no id and for what names nothing.
    NotFound,
    MethodNotAllowed,
    /// The browser says that another site sent it.
    CrossSite,
    /// No cookie, or not the token that goes with it; and where a form is got that is good.
    FormVoid(Way),
    Form(FormError),
    /// What was shown is not what stands there now.
    Changed(Resource),
    /// The state no longer allows it.
    Ended(Resource),
    /// No code was asked for in this browser for this.
    NoCode(Resource),
    PasskeyDemanded(Resource),
    /// Whoever has the handle has a passkey, and a code was not enough.
    PasskeyThere(Resource),
    /// Its client was suspended or deleted: it is given nothing more.
    ClientShutOut,
    Capped {
        resource: Resource,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    },
    NotSent(Resource),
    /// Of a QR code that was generated.
    CodeExpired,
    /// There is no way to send this recipient anything.
    NoWayThere,
    Erased,
    /// The handle leads to somebody else since.
    Moved,
    /// The service has no name that passkeys could be kept for.
    NoPasskeys,
    /// Under `/me`.
    Me(Refusal),
    Internal,
}

/// Where somebody came from, as far as what they sent says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    To(Resource),
    /// `/me`
    Home,
    Nowhere,
}

impl PageError {
    /// Says nothing of what happened: that is in the log, under the request's id.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %error, "page failed");
        Self::Internal
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::CrossSite
            | Self::FormVoid(_)
            | Self::NoCode(_)
            | Self::PasskeyDemanded(_)
            | Self::PasskeyThere(_)
            | Self::Moved => StatusCode::FORBIDDEN,
            Self::Form(FormError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Form(_) => StatusCode::BAD_REQUEST,
            Self::Changed(_) | Self::Ended(_) | Self::ClientShutOut | Self::NoWayThere | Self::NoPasskeys => {
                StatusCode::CONFLICT
            }
            Self::Me(refusal) => refusal.status(),
            Self::Capped { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotSent(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Erased | Self::CodeExpired => StatusCode::GONE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn note(self, words: &Words) -> Note {
        match self {
            Self::NotFound => words.not_found,
            Self::MethodNotAllowed => words.method_not_allowed,
            Self::CrossSite => words.cross_site,
            Self::FormVoid(_) => words.form_void,
            Self::Form(_) => words.bad_form,
            Self::Changed(_) => words.changed,
            Self::Ended(_) => words.ended,
            Self::NoCode(_) => words.no_code,
            Self::PasskeyDemanded(_) => words.passkey_demanded,
            Self::PasskeyThere(_) => words.passkeys().needed,
            Self::ClientShutOut => words.client_shut_out,
            Self::Capped { .. } => words.capped,
            Self::NotSent(_) => words.not_sent,
            Self::NoWayThere => words.no_way_there,
            Self::CodeExpired => words.qr_over,
            Self::Erased => words.erased,
            Self::Moved => words.passkeys().moved,
            Self::NoPasskeys => words.me().no_passkeys,
            Self::Me(refusal) => refusal.note(words),
            Self::Internal => words.internal,
        }
    }

    /// Where to go from here.
    fn way_on(self, words: &Words) -> Option<Link> {
        let (id, label) = match self {
            Self::Me(refusal) => return refusal.way_on(words),
            Self::FormVoid(Way::Home) => {
                return Some(Link { href: HOME.to_owned(), label: words.me().back.to_owned() });
            }
            Self::FormVoid(Way::To(id)) | Self::Changed(id) | Self::Ended(id) => (id, words.look_again),
            Self::NoCode(id)
            | Self::PasskeyDemanded(id)
            | Self::PasskeyThere(id)
            | Self::NotSent(id)
            | Self::Capped { resource: id, .. } => (id, words.start_again),
            _ => return None,
        };
        Some(Link { href: format!("/r/{id}"), label: label.to_owned() })
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let words = language::current();
        let note = self.note(words);
        let more = match self {
            Self::Form(error) => Some(error.why(words).to_owned()),
            Self::Capped { until, .. } | Self::Me(Refusal::Capped { until, .. }) => {
                Some((words.capped_until)(until))
            }
            _ => None,
        };
        let page = NotePage {
            frame: Frame { words, title: note.title.to_owned(), error: false },
            text: note.text,
            more,
            link: self.way_on(words),
            reference: (self == Self::Internal).then(request_id::current),
        };
        let mut response = render(self.status(), &page);
        if let Self::Capped { now, until, .. } | Self::Me(Refusal::Capped { now, until }) = self {
            let seconds = (until - now).num_seconds().max(1);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<FormError> for PageError {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<sqlx::Error> for PageError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<ApplyError> for PageError {
    fn from(error: ApplyError) -> Self {
        Self::internal(&error)
    }
}

impl From<Trouble> for PageError {
    fn from(error: Trouble) -> Self {
        match error {
            Trouble::NoRelyingParty(_) => Self::NoPasskeys,
            error => Self::internal(&error),
        }
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        Self::Me(refusal)
    }
}

impl From<VaultError> for PageError {
    fn from(error: VaultError) -> Self {
        Self::internal(&error)
    }
}

impl From<SealError> for PageError {
    fn from(error: SealError) -> Self {
        Self::internal(&error)
    }
}
