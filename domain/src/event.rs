//! What every aggregate of ours adds to cqrs-es: a pure decision, and the type and version under which an event
//! stays in the log for ever.

use cqrs_es::Aggregate;
use serde::Serialize;

use crate::stamped::Stamped;

/// An aggregate whose decision is a pure function of (state, command).
pub trait Decider:
    Aggregate<Command = Stamped<Self::Order>, Services = ()> + Clone + PartialEq + std::fmt::Debug
{
    type Order: Clone + Send + Sync + std::fmt::Debug;

    /// The events that follow from a command; none if there is nothing to do; a reason if it is refused.
    fn decide(&self, command: &Stamped<Self::Order>) -> Result<Vec<Self::Event>, Self::Error>;
}

/// JSON text with sorted keys: the bytes that are stored, hashed and kept for ever.
pub fn canonical_text<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    // serde_json::Value keeps its keys in a BTreeMap as long as nobody turns on `preserve_order`; a test says so.
    serde_json::to_string(&serde_json::to_value(value)?)
}

/// Writes the cqrs-es side of an aggregate that has `decide` and `evolve`.
macro_rules! aggregate {
    ($state:ty, $type:literal, $order:ty, $event:ty, $error:ty) => {
        impl cqrs_es::Aggregate for $state {
            const TYPE: &'static str = $type;
            type Command = $crate::stamped::Stamped<$order>;
            type Event = $event;
            type Error = $error;
            type Services = ();

            async fn handle(
                &mut self,
                command: Self::Command,
                (): &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), Self::Error> {
                for event in $crate::event::Decider::decide(self, &command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: Self::Event) {
                self.evolve(event);
            }
        }

        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                self.name().to_owned()
            }
            fn event_version(&self) -> String {
                self.version().to_owned()
            }
        }
    };
}
pub(crate) use aggregate;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_json_has_sorted_keys() {
        #[derive(Serialize)]
        struct Backwards {
            z: u8,
            m: std::collections::HashMap<String, u8>,
            a: u8,
        }
        let value = Backwards { z: 1, m: [("y".to_owned(), 2), ("b".to_owned(), 3)].into(), a: 4 };
        assert_eq!(canonical_text(&value).unwrap(), r#"{"a":4,"m":{"b":3,"y":2},"z":1}"#);
    }
}
