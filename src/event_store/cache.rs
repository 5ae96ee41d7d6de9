//! States of aggregates, remembered as a hint: whoever answers from one without appending looks again first.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_es::Aggregate;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// What a state takes besides what its events say: its own form, its key and its place in the cache.
const OVERHEAD: u32 = 512;

/// A state and the sequence it stands at.
#[derive(Debug, Clone, Default)]
pub struct Versioned<A> {
    pub state: A,
    pub sequence: i64,
    /// Of the events it was made of: about as much as it holds itself.
    pub bytes: usize,
}

type Key = (&'static str, String);

#[derive(Clone)]
struct Remembered {
    state: Arc<dyn Any + Send + Sync>,
    weight: u32,
}

/// A bounded cache that forgets everything when the appender had to reconnect.
#[derive(Clone)]
pub struct StateCache {
    states: Cache<Key, Remembered>,
    reconnects: Arc<AtomicU64>,
}

impl StateCache {
    /// Holds about so many bytes.
    pub fn new(bytes: u64) -> Self {
        // What was just made or changed is what is changed next, if at all: whoever is new must not have to prove
        // first that it is asked for often.
        let states = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, remembered: &Remembered| remembered.weight)
            .eviction_policy(EvictionPolicy::lru());
        Self { states: states.build(), reconnects: Arc::default() }
    }

    /// Forgets everything if connections were lost since the last time.
    pub fn follow(&self, reconnects: u64) {
        if self.reconnects.swap(reconnects, Ordering::AcqRel) != reconnects {
            self.states.invalidate_all();
        }
    }

    pub fn get<A: Aggregate + Clone + 'static>(&self, id: &str) -> Option<Versioned<A>> {
        let known = self.states.get(&(A::TYPE, id.to_owned()))?;
        known.state.downcast::<Versioned<A>>().ok().map(|known| (*known).clone())
    }

    pub fn put<A: Aggregate + Clone + 'static>(&self, id: &str, versioned: Versioned<A>) {
        let weight = u32::try_from(versioned.bytes).unwrap_or(u32::MAX).saturating_add(OVERHEAD);
        self.states.insert((A::TYPE, id.to_owned()), Remembered { state: Arc::new(versioned), weight });
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
