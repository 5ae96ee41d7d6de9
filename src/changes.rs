//! Who waits for an aggregate to change, and wakes when it has.
//!
//! However many wait here, there is one look at the log whenever it has grown, at most every few milliseconds, at the
//! ids of what is new alone; while nobody waits there is none. How many may wait is bounded, for each client and for
//! all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mobid_domain::id::ClientId;
use mobid_projections::stream::reader;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Requests that may wait at one instance.
const PLACES: usize = 4_096;
/// The same, of one client.
const PLACES_PER_CLIENT: usize = 1_024;
/// Of a client's places, those that pages with a watch token may take: they leave some to its keys.
const PLACES_OF_PAGES: usize = 768;
/// Of those, the ones for one aggregate.
const PAGES_PER_AGGREGATE: usize = 16;
/// The shortest time between two looks.
const PACE: Duration = Duration::from_millis(10);
/// How often to look without having heard of anything.
const POLL: Duration = Duration::from_secs(2);
/// How long a look may take. More than the pool has to find a connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Events that one look goes through.
const CHUNK: i64 = 5_000;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Changes(Arc<Mutex<Waiters>>);

#[derive(Default)]
struct Waiters {
    /// How often each of these aggregates was seen to change since somebody began to wait.
    changed: HashMap<String, watch::Sender<u64>>,
    by_client: HashMap<ClientId, usize>,
    all: usize,
}

/// A place among those who wait, given back when dropped.
pub struct Waiting {
    changes: Changes,
    client: ClientId,
    id: String,
    seen: watch::Receiver<u64>,
}

impl Changes {
    /// Looks at the log as it grows, for as long as the process runs.
    pub fn start(pool: PgPool, growth: watch::Receiver<i64>) -> Self {
        let changes = Self::default();
        tokio::spawn(changes.clone().follow(pool, growth));
        changes
    }

    /// A place to wait for an aggregate, if there is one left. What commits from now on ends the wait.
    pub fn wait_for(&self, client: ClientId, id: String) -> Option<Waiting> {
        let mut waiters = self.waiters();
        let own = waiters.by_client.get(&client).copied().unwrap_or_default();
        if waiters.all >= PLACES || own >= PLACES_PER_CLIENT {
            return None;
        }
        waiters.all += 1;
        waiters.by_client.insert(client, own + 1);
        let seen = waiters.changed.entry(id.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Some(Waiting { changes: self.clone(), client, id, seen })
    }

    /// The same for a page that has a watch token: of these there are fewer, so that none keeps others out.
    pub fn watch(&self, client: ClientId, id: String) -> Option<Waiting> {
        {
            let waiters = self.waiters();
            let own = waiters.by_client.get(&client).copied().unwrap_or_default();
            let of_it = waiters.changed.get(&id).map_or(0, watch::Sender::receiver_count);
            if own >= PLACES_OF_PAGES || of_it >= PAGES_PER_AGGREGATE {
                return None;
            }
        }
        self.wait_for(client, id)
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn anybody(&self) -> bool {
        self.waiters().all > 0
    }

    async fn follow(self, pool: PgPool, mut growth: watch::Receiver<i64>) {
        let mut looked = *growth.borrow_and_update();
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let heard = match timeout(POLL, growth.changed()).await {
                Ok(Ok(())) => Ok(*growth.borrow_and_update()),
                // Whoever tells of growth is gone, and so is the server.
                Ok(Err(_)) => return,
                Err(_) if self.anybody() => {
                    let head = timeout(ANSWERED_WITHIN, reader::head(&pool)).await;
                    head.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
                }
                Err(_) => continue,
            };
            match timeout(ANSWERED_WITHIN, self.look(&pool, looked, heard)).await {
                Ok(Ok(reached)) => looked = reached,
                Ok(Err(error)) => {
                    tracing::warn!(error = %error, "no look for those who wait, the next one goes on");
                }
                Err(_) => tracing::warn!("no look for those who wait in time, the next one goes on"),
            }
        }
    }

    /// Wakes those who wait for what is new up to `head`.
    async fn look(
        &self,
        pool: &PgPool,
        mut looked: i64,
        head: Result<i64, sqlx::Error>,
    ) -> Result<i64, sqlx::Error> {
        let head = head?;
        while looked < head && self.anybody() {
            let to = head.min(looked + CHUNK);
            let changed = reader::aggregates_between(pool, looked, to).await?;
            let waiters = self.waiters();
            for woken in changed.iter().filter_map(|id| waiters.changed.get(id)) {
                woken.send_modify(|times| *times += 1);
            }
            looked = to;
        }
        // Whoever comes later reads what is there by then.
        Ok(looked.max(head))
    }
}

impl Waiting {
    /// To be called before the aggregate is read: what changes after this is not missed.
    pub fn mark(&mut self) {
        self.seen.mark_unchanged();
    }

    /// Until the aggregate changes.
    pub async fn changed(&mut self) {
        // The sender stays for as long as this does.
        let _ = self.seen.changed().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiters = self.changes.waiters();
        waiters.all -= 1;
        if let Some(own) = waiters.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                waiters.by_client.remove(&self.client);
            }
        }
        // This one's receiver is still there.
        if waiters.changed.get(&self.id).is_some_and(|changed| changed.receiver_count() <= 1) {
            waiters.changed.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u128) -> ClientId {
        ClientId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn one_client_leaves_places_to_others_and_all_have_an_end() {
        let changes = Changes::default();
        let wait = |n| changes.wait_for(client(n), format!("cs_{n}"));
        let first: Vec<_> = (0..PLACES_PER_CLIENT).map(|_| wait(1).unwrap()).collect();
        assert!(wait(1).is_none());
        let mut others: Vec<_> = (PLACES_PER_CLIENT..PLACES).map(|n| wait(n as u128).unwrap()).collect();
        assert!(wait(2).is_none());
        others.pop();
        assert!(wait(2).is_some());
        drop((first, others));
        let waiters = changes.waiters();
        assert!(waiters.all == 0 && waiters.by_client.is_empty() && waiters.changed.is_empty());
    }

    #[test]
    fn pages_leave_places_to_each_other_and_to_keys() {
        let changes = Changes::default();
        let watch = |n: usize| changes.watch(client(1), format!("cs_{n}"));
        let mut pages: Vec<_> = (0..PAGES_PER_AGGREGATE).map(|_| watch(0).unwrap()).collect();
        assert!(watch(0).is_none(), "one consent's pages");
        pages.extend((PAGES_PER_AGGREGATE..PLACES_OF_PAGES).map(|n| watch(n).unwrap()));
        assert!(watch(PLACES).is_none(), "one client's pages");
        assert!(changes.wait_for(client(1), "cs_0".to_owned()).is_some(), "but not its keys");
        assert!(changes.watch(client(2), "cs_x".to_owned()).is_some());
    }
}
