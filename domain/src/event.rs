//! What every aggregate of ours adds to cqrs-es: a pure decision, and the type and version under which an event
//! stays in the log for ever.

use cqrs_es::Aggregate;

pub use crate::canonical::text as canonical_text;
use crate::stamped::Stamped;

/// An aggregate whose decision is a pure function of (state, command).
pub trait Decider:
    Aggregate<Command = Stamped<Self::Order>, Services = ()> + Clone + PartialEq + std::fmt::Debug
{
    type Order: Clone + Send + Sync + std::fmt::Debug;

    /// The events that follow from a command; none if there is nothing to do; a reason if it is refused.
    fn decide(&self, command: &Stamped<Self::Order>) -> Result<Vec<Self::Event>, Self::Error>;
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
