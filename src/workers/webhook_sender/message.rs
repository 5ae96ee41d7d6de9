//! What a delivery says, made from the log: a row names only an event and a target.
//!
//! The resource is shown as it stood at the event, but for one thing: claims that were given and taken back since
//! are not handed out again by a late attempt.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::client::{Client, Status as ClientStatus};
use mobid_domain::consent::{Consent, ConsentEvent, Session, Status};
use mobid_domain::device::Device;
use mobid_domain::enrollment::Enrollment;
use mobid_domain::fido::Login;
use mobid_domain::id::ClientId;
use mobid_domain::recorded::Recorded;
use mobid_domain::webhook::{Endpoint, Status as EndpointStatus};
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::webhook::delivery::{CALLBACK, Claimed};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::app::App;
use crate::presentation::{consent, device, enrollment, login, webhook};
use crate::vault::{DataKey, SealError, Subject, VaultError};

/// All that an attempt needs, but for its time.
pub struct Message {
    pub client: ClientId,
    pub url: Url,
    pub body: String,
    /// Each signs in the way of Standard Webhooks, the newest first.
    pub secrets: Secrets,
    /// Signs in the vendor's way.
    pub callback_secret: Zeroizing<String>,
}

type Secrets = Vec<Zeroizing<String>>;

/// Why there is nothing to attempt.
#[derive(Debug, thiserror::Error)]
pub enum NoMessage {
    /// The endpoint or the address was taken away, so there is nowhere to send it.
    #[error("{0}")]
    NowhereToGo(&'static str),
    #[error("{0} events cannot be told by this version")]
    Unknown(String),
    #[error("the log does not have the event")]
    NotInLog,
    #[error(transparent)]
    Log(#[from] ApplyError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<SealError> for NoMessage {
    fn from(error: SealError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<sqlx::Error> for NoMessage {
    fn from(error: sqlx::Error) -> Self {
        Self::Log(error.into())
    }
}

impl NoMessage {
    /// The database could not be asked: that says nothing about the delivery.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Log(ApplyError::Database(_)) | Self::Vault(VaultError::Database(_)))
    }
}

/// Where to, signed with what.
struct Address {
    url: Url,
    secrets: Secrets,
}

/// Makes the message of a delivery.
pub async fn of(app: &App, delivery: &Claimed) -> Result<Message, NoMessage> {
    let client: ClientId = delivery.tenant.parse().map_err(|_| NoMessage::NowhereToGo("unknown_client"))?;
    let (callback_secrets, address, body) = if delivery.target == CALLBACK {
        let (secrets, told) = if delivery.aggregate_type == Enrollment::TYPE {
            tokio::join!(callback_secrets(app, client), of_enrollment(app, delivery))
        } else {
            tokio::join!(callback_secrets(app, client), of_consent(app, delivery))
        };
        let (secrets, (url, body)) = (secrets?, told?);
        (secrets.clone(), Address { url, secrets }, body)
    } else {
        // Read at the same time; but what matters first is whether anybody still wants to know.
        let endpoint = endpoint(app, client, &delivery.target);
        let (secrets, address, body) =
            tokio::join!(callback_secrets(app, client), endpoint, to_endpoint(app, delivery));
        (secrets?, address?, body?)
    };
    let callback_secret = callback_secrets.first().ok_or(NoMessage::NowhereToGo("unknown_client"))?.clone();
    let Address { url, secrets } = address;
    Ok(Message { client, url, body: body.to_string(), secrets, callback_secret })
}

/// An aggregate at the delivery's event, and as it is now.
struct AtEvent<A> {
    event: Recorded,
    then: Folded<A>,
    now: Folded<A>,
}

impl<A: Aggregate + Clone> AtEvent<A> {
    async fn read(app: &App, delivery: &Claimed) -> Result<Self, NoMessage> {
        let events = app.store.events::<A>(&delivery.aggregate_id, 0).await?;
        let last = events.iter().position(|event| event.sequence == delivery.sequence);
        let last = last.ok_or(NoMessage::NotInLog)?;
        let mut now = fold::<A>(&events[..=last])?.ok_or(NoMessage::NotInLog)?;
        let then = now.clone();
        for event in &events[last + 1..] {
            now.take(event)?;
        }
        Ok(Self { event: events[last].clone(), then, now })
    }
}

/// The client's own secrets, each of which it was shown when it was made.
async fn callback_secrets(app: &App, client: ClientId) -> Result<Secrets, NoMessage> {
    let id = client.to_string();
    let loaded = app.store.load::<Client>(&id).await?.state;
    let account = loaded.account().ok_or(NoMessage::NowhereToGo("unknown_client"))?;
    if account.status == ClientStatus::Deleted {
        return Err(NoMessage::NowhereToGo("client_deleted"));
    }
    let key = tenant_key(app, client).await?;
    let secrets = account.callback_secrets(app.clock.now());
    Ok(secrets
        .map(|secret| key.open_text_in(client, &id, "callbackSecret", secret).map(Zeroizing::new))
        .collect::<Result<_, _>>()?)
}

async fn tenant_key(app: &App, client: ClientId) -> Result<DataKey, NoMessage> {
    app.vault.key(client, Subject::Tenant).await?.ok_or(NoMessage::NowhereToGo("key_gone"))
}

/// An endpoint that is there and active now.
async fn endpoint(app: &App, client: ClientId, id: &str) -> Result<Address, NoMessage> {
    let gone = NoMessage::NowhereToGo;
    let found = app.store.load::<Endpoint>(id).await?;
    let registration = found.state.registration();
    let registration = registration.filter(|registration| registration.client_id == client);
    let registration = registration.ok_or(gone("no_endpoint"))?;
    match registration.status {
        EndpointStatus::Active => {}
        EndpointStatus::Disabled(_) => return Err(gone("endpoint_disabled")),
        EndpointStatus::Deleted => return Err(gone("endpoint_deleted")),
    }
    let key = tenant_key(app, client).await?;
    let url = key.open_text_in(client, id, "url", &registration.url)?;
    let secret = key.open_text_in(client, id, "secret", &registration.secret)?;
    Ok(Address { url: parse(&url)?, secrets: vec![Zeroizing::new(secret)] })
}

fn parse(url: &str) -> Result<Url, NoMessage> {
    Url::parse(url).map_err(|_| NoMessage::NowhereToGo("bad_url"))
}

/// `{"type", "timestamp", "data"}`, `data` being the resource with its `sequence`.
async fn to_endpoint(app: &App, delivery: &Claimed) -> Result<Value, NoMessage> {
    let (at, mut data) = match delivery.aggregate_type.as_str() {
        Consent::TYPE => consent_data(app, delivery).await?,
        Endpoint::TYPE => endpoint_data(app, delivery).await?,
        Device::TYPE => device_data(app, delivery).await?,
        Login::TYPE => login_data(app, delivery).await?,
        Enrollment::TYPE => enrollment_data(app, delivery).await?,
        other => return Err(NoMessage::Unknown(other.to_owned())),
    };
    data["sequence"] = json!(delivery.sequence);
    Ok(json!({ "type": delivery.event_type, "timestamp": at, "data": data }))
}

async fn consent_data(app: &App, delivery: &Claimed) -> Result<(DateTime<Utc>, Value), NoMessage> {
    let read: AtEvent<Consent> = AtEvent::read(app, delivery).await?;
    let at = read.event.decode::<Consent>().map_err(ApplyError::from)?.at();
    let (session, key) = session(app, &read).await?;
    let origin = app.config.public_origin();
    let mut body = consent::body(&origin, &delivery.aggregate_id, session, key.as_ref(), at)?;
    if taken_back(&read) {
        body.claims = Value::Null;
    }
    Ok((at, serde_json::to_value(body)?))
}

async fn endpoint_data(app: &App, delivery: &Claimed) -> Result<(DateTime<Utc>, Value), NoMessage> {
    let read: AtEvent<Endpoint> = AtEvent::read(app, delivery).await?;
    let at = read.event.decode::<Endpoint>().map_err(ApplyError::from)?.at();
    let registration = read.then.state.registration().ok_or(NoMessage::NotInLog)?;
    let key = app.vault.key(registration.client_id, Subject::Tenant).await?;
    let body = webhook::body(&delivery.aggregate_id, registration, key.as_ref())?;
    Ok((at, serde_json::to_value(body)?))
}

async fn device_data(app: &App, delivery: &Claimed) -> Result<(DateTime<Utc>, Value), NoMessage> {
    let read: AtEvent<Device> = AtEvent::read(app, delivery).await?;
    let at = read.event.decode::<Device>().map_err(ApplyError::from)?.at();
    let known = read.then.state.known().ok_or(NoMessage::NotInLog)?;
    let (client, user) = device::holder(known);
    let key = app.vault.key(client, Subject::Person(user)).await?;
    Ok((at, serde_json::to_value(device::body(&delivery.aggregate_id, known, key.as_ref())?)?))
}

async fn login_data(app: &App, delivery: &Claimed) -> Result<(DateTime<Utc>, Value), NoMessage> {
    let read: AtEvent<Login> = AtEvent::read(app, delivery).await?;
    let at = read.event.decode::<Login>().map_err(ApplyError::from)?.at();
    let attempt = read.then.state.attempt().ok_or(NoMessage::NotInLog)?;
    let key = match attempt.user_id {
        Some(user) => app.vault.key(attempt.client_id, Subject::Person(user)).await?,
        None => None,
    };
    Ok((at, serde_json::to_value(login::body(&delivery.aggregate_id, attempt, key.as_ref())?)?))
}

async fn enrollment_data(app: &App, delivery: &Claimed) -> Result<(DateTime<Utc>, Value), NoMessage> {
    let read: AtEvent<Enrollment> = AtEvent::read(app, delivery).await?;
    let at = read.event.decode::<Enrollment>().map_err(ApplyError::from)?.at();
    let session = read.then.state.session().ok_or(NoMessage::NotInLog)?;
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    let origin = app.config.public_origin();
    let body = enrollment::body(&origin, &delivery.aggregate_id, session, key.as_ref(), at)?;
    Ok((at, serde_json::to_value(body)?))
}

/// The vendor's form, to the consent's own `callbackUrl`.
async fn of_consent(app: &App, delivery: &Claimed) -> Result<(Url, Value), NoMessage> {
    let read = &AtEvent::<Consent>::read(app, delivery).await?;
    let event = read.event.decode::<Consent>().map_err(ApplyError::from)?;
    let (session, key) = session(app, read).await?;
    let (id, client) = (&delivery.aggregate_id, session.request.client_id);
    let sealed = session.request.callback_url.as_ref().ok_or(NoMessage::NowhereToGo("no_callback_url"))?;
    // The address was erased with the person.
    let key = key.ok_or(NoMessage::NowhereToGo("key_gone"))?;
    let url = parse(&key.open_text_in(client, id, "callbackUrl", sealed)?)?;
    let shown = consent::body(&app.config.public_origin(), id, session, Some(&key), event.at())?;
    let body = json!({
        "sessionId": id,
        "status": vendor_status(&event).ok_or_else(|| NoMessage::Unknown(delivery.event_type.clone()))?,
        "timestamp": event.at().timestamp_millis(),
        "data": {
            "userId": shown.user_id,
            "claims": if taken_back(read) { Value::Null } else { shown.claims },
            "grantedScope": shown.granted_scope,
            "purpose": shown.purpose,
            "metadata": shown.metadata,
            "sequence": delivery.sequence,
            "assurance": shown.assurance,
        },
    });
    Ok((url, body))
}

/// The same of an enrollment, to its own `callbackUrl`.
async fn of_enrollment(app: &App, delivery: &Claimed) -> Result<(Url, Value), NoMessage> {
    let read = AtEvent::<Enrollment>::read(app, delivery).await?;
    let event = read.event.decode::<Enrollment>().map_err(ApplyError::from)?;
    let session = read.then.state.session().ok_or(NoMessage::NotInLog)?;
    let (id, request) = (&delivery.aggregate_id, &session.request);
    let sealed = request.callback_url.as_ref().ok_or(NoMessage::NowhereToGo("no_callback_url"))?;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    let key = key.ok_or(NoMessage::NowhereToGo("key_gone"))?;
    let url = parse(&key.open_text_in(request.client_id, id, "callbackUrl", sealed)?)?;
    let shown = enrollment::body(&app.config.public_origin(), id, session, Some(&key), event.at())?;
    let status = enrollment::vendor_status(&event);
    let body = json!({
        "sessionId": id,
        "status": status.ok_or_else(|| NoMessage::Unknown(delivery.event_type.clone()))?,
        "timestamp": event.at().timestamp_millis(),
        "data": {
            "userId": shown.user_id,
            "deviceId": shown.device_id,
            "claims": shown.claims,
            "sequence": delivery.sequence,
        },
    });
    Ok((url, body))
}

fn vendor_status(event: &ConsentEvent) -> Option<&'static str> {
    match event {
        ConsentEvent::Approved { .. } => Some("APPROVED"),
        ConsentEvent::Rejected { .. } => Some("REJECTED"),
        ConsentEvent::Expired { .. } => Some("EXPIRED"),
        ConsentEvent::Revoked { .. } => Some("REVOKED"),
        ConsentEvent::Created(_)
        | ConsentEvent::Updated(_)
        | ConsentEvent::Scanned { .. }
        | ConsentEvent::Proved { .. } => None,
    }
}

/// The session at the event, and its person's key if they were not erased.
async fn session<'a>(
    app: &App,
    read: &'a AtEvent<Consent>,
) -> Result<(&'a Session, Option<DataKey>), NoMessage> {
    let session = read.then.state.session().ok_or(NoMessage::NotInLog)?;
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    Ok((session, key))
}

/// The consent was revoked, maybe after the event: then a retry of what told of its approval must not hand out what
/// was taken back.
fn taken_back(read: &AtEvent<Consent>) -> bool {
    let phase = read.now.state.session().map(|session| session.phase.recorded_status());
    phase == Some(Status::Revoked)
}
