//! Every error of the API: the only place that picks a status.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mobid_domain::client::ClientError;
use mobid_domain::consent::ConsentError;
use mobid_domain::device::{DeviceError, Status as DeviceStatus};
use mobid_domain::enrollment::EnrollmentError;
use mobid_domain::fido::{LoginError, Reason};
use mobid_domain::qr::CodeError;
use mobid_domain::webhook::EndpointError;
use mobid_projections::projection::ApplyError;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::event_store::ExecuteError;
use crate::http::envelope;
use crate::vault::VaultError;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    pub field: String,
    pub code: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), code: code.to_owned(), message: message.into() }
    }
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    pub status: StatusCode,
    pub kind: &'static str,
    pub message: String,
    pub data: Value,
    pub advice: Option<Advice>,
}

/// What a header says of how to do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// With a key: the header and form that a 401 must name.
    Authenticate,
    /// In so many seconds: what was answered says nothing about the request itself.
    RetryAfter(i64),
}

impl Advice {
    fn header(self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Authenticate => {
                let scheme = HeaderValue::from_static("ApiKey realm=\"mobid\", header=\"X-Mobid-Key\"");
                (header::WWW_AUTHENTICATE, scheme)
            }
            Self::RetryAfter(seconds) => (header::RETRY_AFTER, HeaderValue::from(seconds)),
        }
    }
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), data: Value::Null, advice: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub fn unauthorized() -> Self {
        let error = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The X-Mobid-Key header is missing or its key is not valid.",
        );
        Self { advice: Some(Advice::Authenticate), ..error }
    }

    /// For a page that watches a resource.
    pub fn watch_token() -> Self {
        let message = "The watch token is not valid for this resource, or has ended.";
        let error = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        Self { advice: Some(Advice::Authenticate), ..error }
    }

    pub fn forbidden(permission: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("The API key lacks the permission {permission}."),
        )
    }

    pub fn owner_only() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Only the owner may do this.")
    }

    pub fn key_in_grace() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This key was replaced: it is good for everything but clients.",
        )
    }

    /// The same for what is another client's and for what never was.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such resource.")
    }

    pub fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such route.")
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This route does not take this method.",
        )
    }

    /// What cannot be read as a request, refused before any route is looked for: 400, 414 or 431.
    pub fn unreadable(status: StatusCode) -> Self {
        let message = match status {
            StatusCode::URI_TOO_LONG => "The path and query are too long.",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The head of the request is too large.",
            _ => "This is no valid HTTP/1.1 request.",
        };
        Self::new(status, "bad_request", message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// A twin of the request, which will have an answer soon.
    pub fn being_answered() -> Self {
        let error = Self::conflict("A request with this Idempotency-Key is being answered.");
        Self { advice: Some(Advice::RetryAfter(1)), ..error }
    }

    /// Nothing that the request said: the same again may well go through.
    fn contended() -> Self {
        let error = Self::conflict("The resource keeps changing; try again.");
        Self { advice: Some(Advice::RetryAfter(1)), ..error }
    }

    /// Every place for a request that waits is taken.
    pub fn too_many_waiting() -> Self {
        let message = "Too many requests are waiting already. Ask without wait, or again later.";
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        Self { advice: Some(Advice::RetryAfter(1)), ..error }
    }

    /// From an address that has presented too many keys that are none.
    pub fn too_many_bad_keys(retry_after_seconds: i64) -> Self {
        let message = format!("Too many bad keys from this address. Retry after {retry_after_seconds} s.");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        Self { advice: Some(Advice::RetryAfter(retry_after_seconds)), ..error }
    }

    /// More than the client's plan has of a policy.
    pub fn rate_limited(policy: &str, limit: Option<u32>, retry_after_seconds: i64) -> Self {
        let message =
            format!("More requests than the plan allows ({policy}). Retry after {retry_after_seconds} s.");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        let data = json!({ "policy": policy, "limit": limit, "retryAfter": retry_after_seconds });
        Self { advice: Some(Advice::RetryAfter(retry_after_seconds)), data, ..error }
    }

    /// Bad fields, all at once: 400 if any is missing or unknown, else 422.
    pub fn fields(malformed: Vec<FieldError>, invalid: Vec<FieldError>) -> Self {
        let (status, kind, message) = if malformed.is_empty() {
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_error", "Some fields are not valid.")
        } else {
            (StatusCode::BAD_REQUEST, "bad_request", "Some fields are missing, unknown or not valid.")
        };
        let errors: Vec<_> = malformed.into_iter().chain(invalid).collect();
        Self { data: json!({ "errors": errors }), ..Self::new(status, kind, message) }
    }

    /// One field that is there and well-formed, but not valid.
    pub fn invalid_field(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![], vec![FieldError::new(field, code, message)])
    }

    /// A ceremony with a passkey that does not hold.
    pub fn ceremony_failed(reason: Reason) -> Self {
        let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", reason.message());
        Self { data: json!({ "reason": reason }), ..error }
    }

    /// Says nothing of what happened: that is in the log, under the request's id.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %error, "request failed");
        Self::server_error()
    }

    pub fn server_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "Something went wrong on our side. The requestId finds it in the log.",
        )
    }

    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        Self { data, ..self }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = envelope::error(&self);
        if let Some((name, value)) = self.advice.map(Advice::header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        Self::internal(&error)
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::internal(&error)
    }
}

impl From<crate::vault::SealError> for ApiError {
    fn from(error: crate::vault::SealError) -> Self {
        Self::internal(&error)
    }
}

impl From<crate::person::Trouble> for ApiError {
    fn from(error: crate::person::Trouble) -> Self {
        match error {
            crate::person::Trouble::NoRelyingParty(_) => {
                Self::conflict("This service's address is a number, so there are no passkeys here.")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<ConsentError> for ApiError {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::NotFound | ConsentError::NotTheClient => Self::not_found(),
            ConsentError::AlreadyClosed(status) | ConsentError::WrongStatus(status) => {
                Self::conflict(format!("The consent is {status}.")).with_data(json!({ "status": status }))
            }
            ConsentError::AlreadyExists
            | ConsentError::NotTheRecipient
            | ConsentError::PasskeyRequired
            | ConsentError::ScopeNotAsked => Self::conflict(error.to_string()),
        }
    }
}

impl From<EnrollmentError> for ApiError {
    fn from(error: EnrollmentError) -> Self {
        match error {
            EnrollmentError::NotFound | EnrollmentError::NotTheClient => Self::not_found(),
            EnrollmentError::AlreadyClosed(status) | EnrollmentError::WrongStatus(status) => {
                Self::conflict(format!("The enrollment is {status}.")).with_data(json!({ "status": status }))
            }
            EnrollmentError::AlreadyExists
            | EnrollmentError::NotTheRecipient
            | EnrollmentError::AnotherDevice => Self::conflict(error.to_string()),
        }
    }
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound => Self::not_found(),
            ClientError::LimitsOfAPlan => {
                Self::invalid_field("limits", "invalid_limits", "Only an enterprise has limits of its own.")
            }
            ClientError::OwnerStays => Self::conflict("The owner stays active, with every permission."),
            ClientError::AlreadyExists => Self::conflict(error.to_string()),
        }
    }
}

impl From<DeviceError> for ApiError {
    fn from(error: DeviceError) -> Self {
        let status = match error {
            DeviceError::NotFound | DeviceError::NotItsHolder => return Self::not_found(),
            DeviceError::AlreadyExists => return Self::conflict(error.to_string()),
            DeviceError::Blocked => DeviceStatus::Blocked,
            DeviceError::Deregistered => DeviceStatus::Deregistered,
        };
        let status = status.as_str();
        Self::conflict(format!("The device is {status}.")).with_data(json!({ "status": status }))
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        Self::conflict(error.to_string())
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::NotFound | CodeError::NotTheClient => Self::not_found(),
            CodeError::AlreadyExists
            | CodeError::Expired
            | CodeError::Ended
            | CodeError::NotALogin
            | CodeError::NotOnThePage => Self::conflict(error.to_string()),
        }
    }
}

impl From<EndpointError> for ApiError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::NotFound | EndpointError::NotTheClient => Self::not_found(),
            EndpointError::AlreadyExists => Self::conflict(error.to_string()),
        }
    }
}

impl<E: std::error::Error + Into<ApiError> + 'static> From<ExecuteError<E>> for ApiError {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(reason) => reason.into(),
            ExecuteError::Stale { found } => {
                Self::conflict(format!("If-Match names another version: the resource is at \"{found}\"."))
                    .with_data(json!({ "etag": format!("\"{found}\"") }))
            }
            ExecuteError::Answered => Self::being_answered(),
            ExecuteError::Contended => Self::contended(),
            ExecuteError::Claimed(what) => Self::conflict(format!("Already taken: {what}.")),
            ExecuteError::Append(error) => Self::internal(&error),
            ExecuteError::Read(error) => Self::internal(&error),
        }
    }
}
