//! States of aggregates, remembered as a hint: whoever answers from one without appending looks again first.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_es::Aggregate;
use moka::sync::Cache;

/// A state and the sequence it stands at.
#[derive(Debug, Clone)]
pub struct Versioned<A> {
    pub state: A,
    pub sequence: i64,
}

type Key = (&'static str, String);

/// A bounded cache that forgets everything when the appender had to reconnect.
#[derive(Clone)]
pub struct StateCache {
    states: Cache<Key, Arc<dyn Any + Send + Sync>>,
    reconnects: Arc<AtomicU64>,
}

impl StateCache {
    pub fn new(capacity: u64) -> Self {
        Self { states: Cache::new(capacity), reconnects: Arc::default() }
    }

    /// Forgets everything if connections were lost since the last time.
    pub fn follow(&self, reconnects: u64) {
        if self.reconnects.swap(reconnects, Ordering::AcqRel) != reconnects {
            self.states.invalidate_all();
        }
    }

    pub fn get<A: Aggregate + Clone + 'static>(&self, id: &str) -> Option<Versioned<A>> {
        let known = self.states.get(&(A::TYPE, id.to_owned()))?;
        known.downcast::<Versioned<A>>().ok().map(|known| (*known).clone())
    }

    pub fn put<A: Aggregate + Clone + 'static>(&self, id: &str, versioned: Versioned<A>) {
        self.states.insert((A::TYPE, id.to_owned()), Arc::new(versioned));
    }

    /// Forgets what is no newer than this.
    pub fn forget_up_to<A: Aggregate + Clone + 'static>(&self, id: &str, sequence: i64) {
        if self.get::<A>(id).is_some_and(|known| known.sequence <= sequence) {
            self.forget::<A>(id);
        }
    }

    pub fn forget<A: Aggregate>(&self, id: &str) {
        self.states.invalidate(&(A::TYPE, id.to_owned()));
    }
}
