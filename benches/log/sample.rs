//! Commands as real clients give them: the reference's request, sealed, with the metadata of a request.

use mobid::clock::Clock;
use mobid::event_store::CommandContext;
use mobid::ids::new_id;
use mobid::vault::{DataKey, Place};
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::consent::{ConsentCommand, ConsentEvent, Create, RequireAssurance, Update};
use mobid_domain::id::{ClientId, CommandId, ConsentId, KeyId, RequestId, UserId};
use mobid_domain::sealed::Sealed;
use mobid_domain::slug::Slug;

use anyhow::Result;
use chrono::TimeDelta;

/// A client with one recipient. Sealing is no part of appending: values are sealed once and used again.
pub struct Sample {
    clock: Clock,
    tenant: ClientId,
    user: UserId,
    key_id: KeyId,
    recipient: Sealed,
    callback_url: Sealed,
    metadata: Sealed,
    purpose: Slug,
    scope: Vec<Slug>,
}

pub fn consent_id() -> String {
    ConsentId(new_id()).to_string()
}

impl Sample {
    pub fn new() -> Result<Self> {
        let (tenant, key, id) = (ClientId(new_id()), DataKey::random(), consent_id());
        let place = Place { tenant, aggregate_id: &id, event_type: ConsentEvent::CREATED, field: "" };
        let seal = |field, text: &str| key.seal(&place.field(field), text.as_bytes());
        Ok(Self {
            clock: Clock::system(),
            tenant,
            user: UserId(new_id()),
            key_id: KeyId(new_id()),
            recipient: seal("recipient", "+1234567890")?,
            callback_url: seal("callbackUrl", "https://yourapp.com/callback")?,
            metadata: seal("metadata", r#"{"order":"A-2026-0815","desk":"7"}"#)?,
            purpose: "identity_verification".parse()?,
            scope: ["name", "email", "phone"].iter().map(|field| field.parse()).collect::<Result<_, _>>()?,
        })
    }

    /// What `POST /v1/service/consents` makes of the reference's body.
    pub fn create(&self) -> ConsentCommand {
        let at = self.clock.now();
        ConsentCommand::Create(Box::new(Create {
            client_id: self.tenant,
            user_id: self.user,
            recipient: self.recipient.clone(),
            purpose: self.purpose.clone(),
            scope: self.scope.clone(),
            callback_url: Some(self.callback_url.clone()),
            return_url: None,
            metadata: None,
            require_assurance: RequireAssurance::Any,
            notify: false,
            locale: None,
            expires_at: at + TimeDelta::days(1),
            at,
        }))
    }

    /// What a `PATCH` of callback URL, metadata and deadline makes: about as long as what a create makes.
    pub fn update(&self) -> ConsentCommand {
        ConsentCommand::Update(Box::new(Update {
            callback_url: Some(Some(self.callback_url.clone())),
            metadata: Some(Some(self.metadata.clone())),
            expires_at: Some(self.clock.now() + TimeDelta::days(2)),
            ..Update::default()
        }))
    }

    pub fn context(&self) -> CommandContext {
        CommandContext {
            at: self.clock.now(),
            tenant: self.tenant,
            actor: Actor::Client(self.tenant),
            command_id: CommandId(new_id()),
            request_id: RequestId(new_id()).to_string(),
            causation: None,
            key_id: Some(self.key_id),
            permissions: Permission::ALL.to_vec(),
            trace_id: None,
        }
    }
}
