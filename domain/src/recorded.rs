//! An event as the log holds it: the columns that are frozen for ever, payload and metadata as the bytes written.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::persist::SerializedEvent;
use cqrs_es::{Aggregate, DomainEvent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::upcast::upcasters;

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// 1, 2, 3 … without a gap, over the whole log.
    pub position: i64,
    pub event_id: Uuid,
    pub tenant: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    /// 1, 2, 3 … without a gap, within the aggregate.
    pub sequence: i64,
    pub event_type: String,
    pub event_version: String,
    /// JSON text exactly as it was appended.
    pub payload: String,
    /// JSON text exactly as it was appended.
    pub metadata: String,
    /// The database's clock, whole microseconds, never before the previous position's.
    pub recorded_at: DateTime<Utc>,
}

/// What is known about the command that caused an event. Every value is text, as cqrs-es has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(pub BTreeMap<String, String>);

impl Metadata {
    pub const COMMAND_ID: &'static str = "commandId";
    pub const REQUEST_ID: &'static str = "requestId";
    pub const CAUSATION: &'static str = "causation";
    pub const ACTOR_KIND: &'static str = "actorKind";
    pub const ACTOR_ID: &'static str = "actorId";
    pub const KEY_ID: &'static str = "keyId";
    pub const PERMISSIONS: &'static str = "permissions";
    pub const TRACE_ID: &'static str = "traceId";

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// Reads an adjacently tagged event. The stored keys are sorted, so `data` comes before the `type` that says how to read
/// it, and serde would have to hold all of it as a tree meanwhile; told the type first, it reads straight through.
fn type_first<E: DeserializeOwned>(payload: &str, event_type: &str) -> Result<E, serde_json::Error> {
    #[derive(Deserialize)]
    struct Tagged<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
        #[serde(borrow, rename = "type")]
        event_type: &'a RawValue,
    }
    // As everything is written here: the type is the last member, and goes to the front without a look at the others.
    // Nothing but the outermost object can end where the text does, so this is its own member.
    if let Some(others) = payload
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix("\"}"))
        .and_then(|rest| rest.strip_suffix(event_type))
        .and_then(|rest| rest.strip_suffix(r#","type":""#))
    {
        return serde_json::from_str(&format!(r#"{{"type":"{event_type}",{others}}}"#));
    }
    match serde_json::from_str::<Tagged<'_>>(payload) {
        Ok(Tagged { data, event_type }) => {
            serde_json::from_str(&format!(r#"{{"type":{event_type},"data":{data}}}"#))
        }
        // Of another shape: let serde say what is wrong with it.
        Err(_) => serde_json::from_str(payload),
    }
}

/// A stored event that today's code cannot read.
#[derive(Debug, thiserror::Error)]
#[error("position {position}: {event_type} v{event_version} of {aggregate_type} does not decode: {reason}")]
pub struct Undecodable {
    pub position: i64,
    pub aggregate_type: String,
    pub event_type: String,
    pub event_version: String,
    pub reason: String,
}

impl Recorded {
    /// The event as today's type, old versions upcast.
    pub fn decode<A: Aggregate>(&self) -> Result<A::Event, Undecodable> {
        let undecodable = |reason: String| Undecodable {
            position: self.position,
            aggregate_type: self.aggregate_type.clone(),
            event_type: self.event_type.clone(),
            event_version: self.event_version.clone(),
            reason,
        };
        if self.aggregate_type != A::TYPE {
            return Err(undecodable(format!("expected an event of {}", A::TYPE)));
        }
        let upcasters: Vec<_> =
            upcasters().iter().filter(|u| u.can_upcast(&self.event_type, &self.event_version)).collect();
        let event: A::Event = if upcasters.is_empty() {
            type_first(&self.payload, &self.event_type)
        } else {
            let json = |text: &str| serde_json::from_str(text).map_err(|e| undecodable(e.to_string()));
            let stored = SerializedEvent::new(
                self.aggregate_id.clone(),
                usize::try_from(self.sequence).unwrap_or_default(),
                self.aggregate_type.clone(),
                self.event_type.clone(),
                self.event_version.clone(),
                json(&self.payload)?,
                json(&self.metadata)?,
            );
            serde_json::from_value(upcasters.iter().fold(stored, |event, u| u.upcast(event)).payload)
        }
        .map_err(|e| undecodable(e.to_string()))?;
        if event.event_type() == self.event_type {
            Ok(event)
        } else {
            Err(undecodable(format!("the payload says {}", event.event_type())))
        }
    }

    pub fn metadata(&self) -> Result<Metadata, Undecodable> {
        serde_json::from_str(&self.metadata).map_err(|e| Undecodable {
            position: self.position,
            aggregate_type: self.aggregate_type.clone(),
            event_type: self.event_type.clone(),
            event_version: self.event_version.clone(),
            reason: format!("metadata: {e}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", content = "data")]
    enum Told {
        #[serde(rename = "told.name")]
        Name { name: String },
        #[serde(rename = "told.nothing")]
        Nothing {},
    }

    #[test]
    fn a_payload_reads_the_same_wherever_its_type_stands() {
        for payload in [
            r#"{"data":{"name":"a\"}"},"type":"told.name"}"#,
            r#"{"type":"told.name","data":{"name":"a\"}"}}"#,
            r#" { "data": {"name": "a\"}"}, "type": "told.name" } "#,
        ] {
            let told: Told = type_first(payload, "told.name").unwrap();
            assert_eq!(told, Told::Name { name: r#"a"}"#.to_owned() }, "{payload}");
        }
    }

    #[test]
    fn a_type_is_read_from_the_payload_and_from_nowhere_within_it() {
        let told: Told = type_first(r#"{"data":{},"type":"told.nothing"}"#, "told.name").unwrap();
        assert_eq!(told, Told::Nothing {});
        for payload in
            [r#"{"data":{"name":"b","type":"told.name"}}"#, r#"{"data":"b,\"type\":\"told.name\"}"}"#]
        {
            assert!(type_first::<Told>(payload, "told.name").is_err(), "{payload}");
        }
    }
}
