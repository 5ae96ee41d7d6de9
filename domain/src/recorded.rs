//! An event as the log holds it: the columns that are frozen for ever, payload and metadata as the bytes written.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use cqrs_es::persist::SerializedEvent;
use cqrs_es::{Aggregate, DomainEvent};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::upcast::upcasters;

/// One row of the log; by default one of nothing, for a reader to fill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// An adjacently tagged event, its type known before its data is read.
struct Told<'a> {
    event_type: Option<&'a str>,
    data: Option<&'a str>,
}

impl<'de> MapAccess<'de> for Told<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key = match (self.event_type, self.data) {
            (Some(_), _) => "type",
            (None, Some(_)) => "data",
            (None, None) => return Ok(None),
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        if let Some(event_type) = self.event_type.take() {
            return seed.deserialize(event_type.into_deserializer());
        }
        let mut data = serde_json::Deserializer::from_str(self.data.take().unwrap_or_default());
        let value = seed.deserialize(&mut data)?;
        // Nothing but this one value: then, and only then, the payload was as it looked.
        data.end()?;
        Ok(value)
    }
}

/// Reads an event whose payload is written as all of ours are, `{"data":…,"type":"…"}` with this type: the keys are
/// sorted, so `data` comes before the `type` that says how to read it, and serde would have to hold all of it as a tree
/// meanwhile. `None` if it is written otherwise, or does not read.
fn as_written<E: DeserializeOwned>(payload: &str, event_type: &str) -> Option<E> {
    let plain = event_type.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'.'));
    let rest = payload.strip_suffix("\"}").filter(|_| plain)?.strip_suffix(event_type)?;
    let data = rest.strip_suffix(r#","type":""#)?.strip_prefix(r#"{"data":"#)?;
    let told = Told { event_type: Some(event_type), data: Some(data) };
    E::deserialize(MapAccessDeserializer::new(told)).ok()
}

/// Reads an adjacently tagged event however it is written, its type first.
fn type_first<E: DeserializeOwned>(payload: &str) -> Result<E, serde_json::Error> {
    #[derive(Deserialize)]
    struct Tagged<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
        #[serde(borrow, rename = "type")]
        event_type: &'a RawValue,
    }
    match serde_json::from_str::<Tagged<'_>>(payload) {
        Ok(Tagged { data, event_type }) => {
            serde_json::from_str(&format!(r#"{{"type":{event_type},"data":{data}}}"#))
        }
        // Of another shape: let serde say what is wrong with it.
        Err(_) => serde_json::from_str(payload),
    }
}

/// What [`Metadata`] is in JSON, looked at and let go.
struct TextsByText;

impl<'de> Deserialize<'de> for TextsByText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = TextsByText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts by name")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<TextsByText, M::Error> {
                while map.next_entry::<Text, Text>()?.is_some() {}
                Ok(TextsByText)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Any)
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
            as_written(&self.payload, &self.event_type).map_or_else(|| type_first(&self.payload), Ok)
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

    /// Whether `metadata` reads, without reading it.
    pub fn metadata_reads(&self) -> Result<(), Undecodable> {
        match serde_json::from_str::<TextsByText>(&self.metadata) {
            Ok(TextsByText) => Ok(()),
            Err(_) => self.metadata().map(drop),
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
    use crate::consent::ConsentEvent;

    const REJECTED: &str = include_str!("../fixtures/events/consent.rejected.v1.json");
    const TYPE: &str = "consent.rejected";

    fn as_ours(payload: &str) -> Option<ConsentEvent> {
        as_written(payload, TYPE)
    }

    #[test]
    fn a_payload_as_we_write_it_is_read_at_once_and_says_the_same() {
        let payload = REJECTED.trim_end();
        assert_eq!(as_ours(payload), Some(type_first(payload).unwrap()));
    }

    #[test]
    fn a_payload_that_only_looks_as_if_we_wrote_it_is_left_to_the_careful_reader() {
        let data = r#"{"by":"client","at":"2025-01-15T12:00:00Z"}"#;
        for payload in [
            format!(r#"{{"data":{data}}},"type":"consent.revoked"}}"#),
            format!(r#"{{"data":{data},"type":"consent.revoked","type":"consent.revoked"}}"#),
            format!(r#"{{"data":{data} {data},"type":"consent.revoked"}}"#),
            r#"{"data":,"type":"consent.revoked"}"#.to_owned(),
            format!(r#"{{"type":"consent.revoked","data":{data}}}"#),
            format!(r#"{{"data":{data},"type":"consent.rejected"}}"#),
            String::new(),
        ] {
            assert_eq!(as_written::<ConsentEvent>(&payload, "consent.revoked"), None, "{payload}");
        }
        assert!(
            as_written::<ConsentEvent>(
                &format!(r#"{{"data":{data},"type":"consent.revoked"}}"#),
                "consent.revoked"
            )
            .is_some()
        );
    }

    #[test]
    fn metadata_reads_if_and_only_if_it_can_be_read() {
        for metadata in [
            "{}",
            r#"{"commandId":"cmd_1","traceId":"\u00e9"}"#,
            r#"{"commandId":1}"#,
            r#"{"commandId":null}"#,
            r#"{"commandId":"\ud800"}"#,
            r#"{"a":"b"} x"#,
            "[]",
            "null",
            "",
        ] {
            let event = Recorded {
                position: 1,
                event_id: Uuid::nil(),
                tenant: String::new(),
                aggregate_type: String::new(),
                aggregate_id: String::new(),
                sequence: 1,
                event_type: String::new(),
                event_version: String::new(),
                payload: String::new(),
                metadata: metadata.to_owned(),
                recorded_at: DateTime::UNIX_EPOCH,
            };
            assert_eq!(event.metadata_reads().is_ok(), event.metadata().is_ok(), "{metadata}");
        }
    }
}
