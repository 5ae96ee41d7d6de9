//! What is known about a command besides what it asks: who, when, on whose behalf. It becomes the metadata.

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::event::canonical_text;
use mobid_domain::id::{ClientId, CommandId, KeyId, RequestId};
use mobid_domain::stamped::Stamped;
use serde::Serialize;

#[derive(Debug, Clone)]
pub struct CommandContext {
    pub at: DateTime<Utc>,
    /// Whose resource it is about.
    pub tenant: ClientId,
    pub actor: Actor,
    pub command_id: CommandId,
    pub request_id: String,
    /// What made somebody give the command: a deadline, an answer of an endpoint.
    pub causation: Option<String>,
    pub key_id: Option<KeyId>,
    /// Held at the time; recorded, since they may change.
    pub permissions: Vec<Permission>,
    pub trace_id: Option<String>,
}

impl CommandContext {
    /// A command that the system itself gives.
    pub fn system(
        name: &'static str,
        tenant: ClientId,
        at: DateTime<Utc>,
        causation: Option<String>,
    ) -> Self {
        Self {
            at,
            tenant,
            actor: Actor::System(name),
            command_id: CommandId(crate::ids::new_id()),
            request_id: RequestId(crate::ids::new_id()).to_string(),
            causation,
            key_id: None,
            permissions: vec![],
            trace_id: None,
        }
    }

    pub fn stamp<C>(&self, command: C) -> Stamped<C> {
        Stamped { at: self.at, by: self.actor, command }
    }

    /// What is stored with every event of the command: [`Metadata`](mobid_domain::recorded::Metadata) as canonical text, written without making one.
    pub fn metadata_text(&self) -> Result<String, serde_json::Error> {
        let held: Vec<_> = self.permissions.iter().map(|permission| permission.as_str()).collect();
        canonical_text(&Text {
            actor_id: self.actor.id(),
            actor_kind: self.actor.kind(),
            causation: self.causation.as_deref(),
            command_id: self.command_id,
            key_id: self.key_id,
            permissions: (!held.is_empty()).then(|| held.join(" ")),
            request_id: &self.request_id,
            trace_id: self.trace_id.as_deref(),
        })
    }
}

/// The fields of [`Metadata`](mobid_domain::recorded::Metadata), in their order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    actor_id: String,
    actor_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<&'a str>,
    command_id: CommandId,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<String>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use mobid_domain::recorded::Metadata;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_stored_with_an_event_reads_as_metadata() {
        let context = CommandContext {
            at: DateTime::UNIX_EPOCH,
            tenant: ClientId(Uuid::nil()),
            actor: Actor::System("expiry"),
            command_id: CommandId(Uuid::max()),
            request_id: "req \"1\"".to_owned(),
            causation: Some("c".to_owned()),
            key_id: Some(KeyId(Uuid::nil())),
            permissions: vec![Permission::AuditRead, Permission::ConsentsRead],
            trace_id: Some("t".to_owned()),
        };
        let told = [
            (Metadata::ACTOR_ID, "expiry"),
            (Metadata::ACTOR_KIND, "system"),
            (Metadata::CAUSATION, "c"),
            (Metadata::COMMAND_ID, "cmd_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            (Metadata::KEY_ID, "key_00000000000000000000000000"),
            (Metadata::PERMISSIONS, "audit:read consents:read"),
            (Metadata::REQUEST_ID, "req \"1\""),
            (Metadata::TRACE_ID, "t"),
        ];
        let told = Metadata(told.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(context.metadata_text().unwrap(), canonical_text(&told).unwrap());

        let plain =
            CommandContext { causation: None, key_id: None, permissions: vec![], trace_id: None, ..context };
        let keys: Vec<_> = serde_json::from_str::<Metadata>(&plain.metadata_text().unwrap())
            .unwrap()
            .0
            .into_keys()
            .collect();
        let always = [Metadata::ACTOR_ID, Metadata::ACTOR_KIND, Metadata::COMMAND_ID, Metadata::REQUEST_ID];
        assert_eq!(keys, always);
    }
}
