//! Which places this instance has taken in Redis, and which of them are to be given back.
//!
//! Giving back makes nobody wait: it is noted here. The client's next request takes along what was noted for it, so who
//! asks one thing after the other always finds the own place free; the rest goes in the background, at once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mobid_domain::id::ClientId;
use tokio::sync::Notify;
use uuid::Uuid;

/// What one command names at the most.
pub(super) const MOST: usize = 500;

/// Places by client.
pub(super) type Places = HashMap<ClientId, Vec<u64>>;

pub(super) struct Leases {
    instance: Uuid,
    next: AtomicU64,
    tables: Mutex<Tables>,
    noted: Notify,
}

#[derive(Default)]
struct Tables {
    held: HashMap<ClientId, HashSet<u64>>,
    ended: Places,
}

impl Leases {
    /// `instance` is nobody else's, also after a restart.
    pub(super) fn new(instance: Uuid) -> Self {
        Self { instance, next: AtomicU64::new(0), tables: Mutex::default(), noted: Notify::new() }
    }

    /// What a place is called in Redis.
    pub(super) fn name(&self, place: u64) -> String {
        format!("{}:{place}", self.instance.simple())
    }

    /// A place that is about to be asked for.
    pub(super) fn begin(&self, client: ClientId) -> u64 {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().held.entry(client).or_default().insert(place);
        place
    }

    /// It was not given, so there is nothing to give back.
    pub(super) fn refused(&self, client: ClientId, place: u64) {
        self.lock().let_go(client, place);
    }

    pub(super) fn end(&self, client: ClientId, place: u64) {
        let mut tables = self.lock();
        if tables.let_go(client, place) {
            tables.ended.entry(client).or_default().push(place);
            drop(tables);
            self.noted.notify_one();
        }
    }

    /// What this client's next request gives back.
    pub(super) fn take_ended_of(&self, client: ClientId) -> Vec<u64> {
        let mut tables = self.lock();
        let Entry::Occupied(mut ended) = tables.ended.entry(client) else { return vec![] };
        let rest = ended.get().len().saturating_sub(MOST);
        let taken = ended.get_mut().split_off(rest);
        if rest == 0 {
            ended.remove();
        }
        taken
    }

    pub(super) fn take_ended(&self) -> Places {
        std::mem::take(&mut self.lock().ended)
    }

    /// They could not be given back just now.
    pub(super) fn put_back(&self, places: Places) {
        let mut tables = self.lock();
        for (client, places) in places {
            tables.ended.entry(client).or_default().extend(places);
        }
        drop(tables);
        self.noted.notify_one();
    }

    pub(super) fn held(&self) -> Places {
        self.lock().held.iter().map(|(client, places)| (*client, places.iter().copied().collect())).collect()
    }

    /// Returns when something may have been noted.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn let_go(&mut self, client: ClientId, place: u64) -> bool {
        let Entry::Occupied(mut held) = self.held.entry(client) else { return false };
        let was_held = held.get_mut().remove(&place);
        if held.get().is_empty() {
            held.remove();
        }
        was_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: ClientId = ClientId(Uuid::nil());

    #[test]
    fn a_place_is_given_back_once() {
        let leases = Leases::new(Uuid::nil());
        let (one, other, refused) = (leases.begin(CLIENT), leases.begin(CLIENT), leases.begin(CLIENT));
        leases.refused(CLIENT, refused);
        leases.end(CLIENT, refused);
        leases.end(CLIENT, one);
        leases.end(CLIENT, one);
        assert_eq!(leases.held(), Places::from([(CLIENT, vec![other])]));
        assert_eq!(leases.take_ended_of(CLIENT), [one]);
        leases.end(CLIENT, other);
        leases.put_back(Places::from([(CLIENT, vec![one])]));
        assert_eq!(leases.take_ended(), Places::from([(CLIENT, vec![other, one])]));
        assert!(leases.take_ended().is_empty() && leases.held().is_empty());
    }

    #[test]
    fn a_request_takes_along_no_more_than_a_command_may_name() {
        let leases = Leases::new(Uuid::nil());
        for _ in 0..=MOST {
            leases.end(CLIENT, leases.begin(CLIENT));
        }
        assert_eq!(leases.take_ended_of(CLIENT).len(), MOST);
        assert_eq!(leases.take_ended_of(CLIENT).len(), 1);
        assert_eq!(leases.take_ended_of(CLIENT).len(), 0);
    }
}
