//! The log as a cqrs-es `EventStore`, so that whatever is written against cqrs-es runs on it.

use std::collections::HashMap;

use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore as CqrsEventStore};
use mobid_domain::event::Decider;
use mobid_domain::id::CommandId;
use mobid_domain::recorded::Metadata;
use mobid_projections::stream::fold::fold;

use super::batch::{Append, Outcome, new_events};
use super::cache::Versioned;
use super::store::EventStore;

/// Metadata that names the tenant of a new aggregate; an existing one knows its own.
const TENANT: &str = "tenant";

/// An aggregate between load and commit.
pub struct Loaded<A> {
    id: String,
    tenant: Option<String>,
    versioned: Versioned<A>,
}

impl<A: Decider> AggregateContext<A> for Loaded<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.versioned.state
    }
}

fn technical<E: std::error::Error, T: std::error::Error + Send + Sync + 'static>(
    error: T,
) -> AggregateError<E> {
    AggregateError::UnexpectedError(Box::new(error))
}

impl<A: Decider + 'static> CqrsEventStore<A> for EventStore {
    type AC = Loaded<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let events = self.events::<A>(aggregate_id, 0).await.map_err(technical)?;
        events
            .iter()
            .map(|event| {
                Ok(EventEnvelope {
                    aggregate_id: event.aggregate_id.clone(),
                    sequence: usize::try_from(event.sequence).map_err(technical)?,
                    payload: event.decode::<A>().map_err(technical)?,
                    metadata: event.metadata().map_err(technical)?.0.into_iter().collect(),
                })
            })
            .collect()
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<Loaded<A>, AggregateError<A::Error>> {
        let events = self.events::<A>(aggregate_id, 0).await.map_err(technical)?;
        let (tenant, versioned) = match fold::<A>(&events).map_err(technical)? {
            Some(known) => {
                (Some(known.tenant), Versioned { state: known.state, sequence: known.sequence, bytes: 0 })
            }
            None => (None, Versioned::default()),
        };
        Ok(Loaded { id: aggregate_id.to_owned(), tenant, versioned })
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Loaded<A>,
        mut metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        // cqrs-es also commits what needed nothing.
        if events.is_empty() {
            return Ok(vec![]);
        }
        // By which events that are sent again are known.
        metadata
            .entry(Metadata::COMMAND_ID.to_owned())
            .or_insert_with(|| CommandId(crate::ids::new_id()).to_string());
        let tenant = context.tenant.or_else(|| metadata.get(TENANT).cloned()).unwrap_or_default();
        let append = Append {
            tenant,
            aggregate_type: A::TYPE,
            aggregate_id: context.id.clone(),
            expected: context.versioned.sequence,
            events: new_events::<A>(&events).map_err(technical)?,
            metadata: mobid_domain::event::canonical_text(&metadata).map_err(technical)?,
            claims: vec![],
            idempotency: None,
        };
        match self.appender().append(append).await.map_err(technical)? {
            Outcome::Appended { .. } => {}
            Outcome::Conflict | Outcome::Claimed | Outcome::Answered => {
                return Err(AggregateError::AggregateConflict);
            }
        }
        let first = usize::try_from(context.versioned.sequence).map_err(technical)? + 1;
        Ok(events
            .into_iter()
            .zip(first..)
            .map(|(payload, sequence)| EventEnvelope {
                aggregate_id: context.id.clone(),
                sequence,
                payload,
                metadata: metadata.clone(),
            })
            .collect())
    }
}
