//! States of aggregates, remembered as a hint: whoever answers from one without appending looks again first.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_es::Aggregate;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, Weighter};

/// What a state takes besides what its events say: its own form, its key and its place in the cache.
const OVERHEAD: usize = 512;
/// What most of them take.
const USUAL: u64 = 1_536;

/// A state and the sequence it stands at.
#[derive(Debug, Clone, Default)]
pub struct Versioned<A> {
    pub state: A,
    pub sequence: i64,
    /// Of the events it was made of: about as much as it holds itself.
    pub bytes: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(&'static str, String);

/// The same key, borrowed: it hashes alike.
#[derive(Hash)]
struct Named<'a>(&'static str, &'a str);

impl Equivalent<Key> for Named<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

#[derive(Clone)]
struct Remembered {
    state: Arc<dyn Any + Send + Sync>,
    weight: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Remembered> for Bytes {
    fn weight(&self, _: &Key, remembered: &Remembered) -> u64 {
        remembered.weight
    }
}

/// A bounded cache that forgets everything when the appender had to reconnect.
#[derive(Clone)]
pub struct StateCache {
    states: Arc<Cache<Key, Remembered, Bytes>>,
    reconnects: Arc<AtomicU64>,
}

impl StateCache {
    /// Holds about so many bytes.
    pub fn new(bytes: u64) -> Self {
        // What was just made or changed is what is changed next, if at all: it gets half of the room without having to
        // be asked for first.
        let options = OptionsBuilder::new()
            .weight_capacity(bytes)
            .estimated_items_capacity(usize::try_from(bytes / USUAL).unwrap_or(usize::MAX))
            .hot_allocation(0.5)
            // Nothing larger than half of a part is remembered: parts are few, and so large.
            .shards(16)
            .build();
        let options = options.unwrap_or_else(|_| unreachable!("every option that it needs is given"));
        let states =
            Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { states: Arc::new(states), reconnects: Arc::default() }
    }

    /// Forgets everything if connections were lost since the last time.
    pub fn follow(&self, reconnects: u64) {
        if self.reconnects.load(Ordering::Acquire) != reconnects {
            self.states.clear();
            // Not before: until then nobody takes what is left for new.
            self.reconnects.store(reconnects, Ordering::Release);
        }
    }

    pub fn get<A: Aggregate + Clone + 'static>(&self, id: &str) -> Option<Versioned<A>> {
        let known = self.states.get(&Named(A::TYPE, id))?;
        known.state.downcast::<Versioned<A>>().ok().map(|known| (*known).clone())
    }

    pub fn put<A: Aggregate + Clone + 'static>(&self, id: &str, versioned: Versioned<A>) {
        let weight = u64::try_from(versioned.bytes + OVERHEAD).unwrap_or(u64::MAX);
        self.states.insert(Key(A::TYPE, id.to_owned()), Remembered { state: Arc::new(versioned), weight });
    }

    /// Forgets what is no newer than this.
    pub fn forget_up_to<A: Aggregate + Clone + 'static>(&self, id: &str, sequence: i64) {
        if self.get::<A>(id).is_some_and(|known| known.sequence <= sequence) {
            self.forget::<A>(id);
        }
    }

    pub fn forget<A: Aggregate>(&self, id: &str) {
        self.states.remove(&Named(A::TYPE, id));
    }
}
