//! What is known about a command besides what it asks: who, when, on whose behalf. It becomes the metadata.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::id::{ClientId, CommandId, KeyId, RequestId};
use mobid_domain::recorded::Metadata;
use mobid_domain::stamped::Stamped;

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

    /// What is stored with every event of the command.
    pub fn metadata(&self) -> Metadata {
        let mut fields = BTreeMap::new();
        let mut put = |key: &str, value: String| fields.insert(key.to_owned(), value);
        put(Metadata::COMMAND_ID, self.command_id.to_string());
        put(Metadata::REQUEST_ID, self.request_id.clone());
        put(Metadata::ACTOR_KIND, self.actor.kind().to_owned());
        put(Metadata::ACTOR_ID, self.actor.id());
        if let Some(causation) = &self.causation {
            put(Metadata::CAUSATION, causation.clone());
        }
        if let Some(key_id) = self.key_id {
            put(Metadata::KEY_ID, key_id.to_string());
        }
        if !self.permissions.is_empty() {
            let held: Vec<_> = self.permissions.iter().map(|permission| permission.as_str()).collect();
            put(Metadata::PERMISSIONS, held.join(" "));
        }
        if let Some(trace_id) = &self.trace_id {
            put(Metadata::TRACE_ID, trace_id.clone());
        }
        Metadata(fields)
    }
}
