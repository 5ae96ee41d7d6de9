//! State from events: for read models whose row is the aggregate's state, and for checking them.

use std::collections::{BTreeMap, HashMap, HashSet};

use cqrs_es::Aggregate;
use mobid_domain::recorded::Recorded;

use crate::projection::ApplyError;

/// An aggregate's state and where in the log it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded<A> {
    pub tenant: String,
    pub sequence: i64,
    pub position: i64,
    pub state: A,
}

impl<A: Aggregate> Folded<A> {
    /// Before the first event.
    pub fn empty(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), sequence: 0, position: 0, state: A::default() }
    }

    /// As a read model's row has it, the state as JSON.
    pub fn of_row(tenant: String, sequence: i64, position: i64, state: &str) -> Result<Self, ApplyError> {
        Ok(Self { tenant, sequence, position, state: serde_json::from_str(state)? })
    }

    /// Takes the next event; one that was taken already is passed over.
    pub fn take(&mut self, event: &Recorded) -> Result<(), ApplyError> {
        if event.position <= self.position {
            return Ok(());
        }
        if event.sequence != self.sequence + 1 {
            return Err(ApplyError::OutOfSequence {
                position: event.position,
                aggregate_id: event.aggregate_id.clone(),
                sequence: event.sequence,
                found: self.sequence,
            });
        }
        self.state.apply(event.decode::<A>()?);
        self.sequence = event.sequence;
        self.position = event.position;
        Ok(())
    }
}

/// The state of one aggregate from all of its events; `None` if there are none.
pub fn fold<A: Aggregate>(events: &[Recorded]) -> Result<Option<Folded<A>>, ApplyError> {
    let Some(first) = events.first() else { return Ok(None) };
    let mut folded = Folded::empty(&first.tenant);
    for event in events {
        folded.take(event)?;
    }
    Ok(Some(folded))
}

/// Takes a batch of events of many aggregates into their states, `known` being what the read model has; in the order
/// in which the batch comes to them.
pub fn fold_many<A: Aggregate>(
    mut known: BTreeMap<String, Folded<A>>,
    events: &[&Recorded],
) -> Result<Vec<(String, Folded<A>)>, ApplyError> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(events.len());
    let mut folded: Vec<(String, Folded<A>)> = Vec::with_capacity(events.len());
    for event in events {
        let place = *places.entry(event.aggregate_id.as_str()).or_insert_with(|| {
            let (id, state) = known
                .remove_entry(&event.aggregate_id)
                .unwrap_or_else(|| (event.aggregate_id.clone(), Folded::empty(&event.tenant)));
            folded.push((id, state));
            folded.len() - 1
        });
        folded[place].1.take(event)?;
    }
    Ok(folded)
}

/// The ids whose earlier events are not in the batch, so that their rows must be read first.
pub fn begun_earlier(events: &[&Recorded]) -> Vec<String> {
    let mut seen = HashSet::with_capacity(events.len());
    events
        .iter()
        .filter(|event| seen.insert(event.aggregate_id.as_str()) && event.sequence > 1)
        .map(|event| event.aggregate_id.clone())
        .collect()
}
