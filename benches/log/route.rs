//! What the bare routes have in common: the checks of a body and the answer, as `POST /v1/service/consents` has them,
//! but with what would be sealed left as it is.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use mobid::clock::Clock;
use mobid::event_store::CommandContext;
use mobid::http::envelope::{Answer, ok};
use mobid::http::error::ApiError;
use mobid::http::fields::{Fields, Invalid};
use mobid::http::request_id;
use mobid::http::web_url::web_url;
use mobid::ids::new_id;
use mobid::presentation::consent::ConsentBody;
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::consent::{Consent, Create, RequireAssurance};
use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, CommandId, KeyId, UserId};
use mobid_domain::sealed::Sealed;
use mobid_domain::slug::Slug;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Who would have been authenticated.
pub struct Caller {
    clock: Clock,
    id: ClientId,
    key_id: KeyId,
}

pub struct NewConsent {
    recipient: Handle,
    purpose: Slug,
    scope: Vec<Slug>,
    callback_url: Option<String>,
}

impl Caller {
    pub fn new() -> Self {
        Self { clock: Clock::system(), id: ClientId(new_id()), key_id: KeyId(new_id()) }
    }

    pub fn context(&self) -> CommandContext {
        CommandContext {
            at: self.clock.now(),
            tenant: self.id,
            actor: Actor::Client(self.id),
            command_id: CommandId(new_id()),
            request_id: request_id::current(),
            causation: None,
            key_id: Some(self.key_id),
            permissions: Permission::ALL.to_vec(),
            trace_id: None,
        }
    }
}

pub fn parse(object: Map<String, Value>) -> Result<NewConsent, ApiError> {
    let invalid = |message: &str| Invalid::new("invalid", message);
    let slug = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<Slug>().ok())
            .ok_or_else(|| invalid("It must be a short name."))
    };
    let mut fields = Fields::of(object);
    let recipient = fields.required("recipient", |value| {
        let handle = value.as_str().and_then(|text| text.parse::<Handle>().ok());
        handle.ok_or_else(|| invalid("It must be a phone number or an email address."))
    });
    let purpose = fields.required("purpose", slug);
    let scope = fields.optional("scope", |value| {
        let list = value.as_array().ok_or_else(|| invalid("It must be a list."))?;
        list.iter().map(slug).collect::<Result<Vec<_>, _>>()
    });
    let callback_url = fields.optional("callbackUrl", |value| web_url(value, "invalid_callback_url"));
    fields.finish()?;
    let (Some(recipient), Some(purpose)) = (recipient, purpose) else { return Err(ApiError::server_error()) };
    Ok(NewConsent { recipient, purpose, scope: scope.unwrap_or_default(), callback_url })
}

impl NewConsent {
    pub fn create(&self, caller: &Caller, user: Uuid, at: DateTime<Utc>) -> Create {
        Create {
            client_id: caller.id,
            user_id: UserId(user),
            recipient: Sealed(self.recipient.as_str().to_owned()),
            purpose: self.purpose.clone(),
            scope: self.scope.clone(),
            callback_url: self.callback_url.clone().map(Sealed),
            return_url: None,
            metadata: None,
            require_assurance: RequireAssurance::Any,
            notify: false,
            locale: None,
            expires_at: (at + TimeDelta::days(1)).trunc_subsecs(0),
            at,
        }
    }
}

pub fn answer(id: &str, consent: &Consent, new: &NewConsent, now: DateTime<Utc>) -> Result<Answer, ApiError> {
    let session = consent.session().ok_or_else(ApiError::server_error)?;
    let request = &session.request;
    let body = ConsentBody {
        id: id.to_owned(),
        status: session.status_at(now),
        recipient: Value::String(new.recipient.as_str().to_owned()),
        purpose: request.purpose.clone(),
        scope: request.scope.clone(),
        expires_at: request.expires_at,
        qr_code: format!("http://localhost:8080/qr/{id}"),
        url: format!("http://localhost:8080/r/{id}"),
        user_id: request.user_id.to_string(),
        created_at: session.created_at,
        updated_at: session.updated_at(now),
        scanned_at: None,
        decided_at: None,
        callback_url: new.callback_url.clone().map_or(Value::Null, Value::String),
        return_url: Value::Null,
        granted_scope: None,
        claims: Value::Null,
        assurance: None,
        require_assurance: request.require_assurance,
        notify: request.notify,
        locale: None,
        metadata: Value::Object(Map::new()),
        watch_token: None,
    };
    ok("Consent session created", &body)
}
