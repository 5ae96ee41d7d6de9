//! Tells followers that the log has grown: at once within a process, by NOTIFY between processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mobid_domain::recorded::Recorded;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::recent::Recent;

/// How long to listen without having heard anything, before asking whether the connection is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// How much later than its notification the answer to an append may come.
const ANSWERED: Duration = Duration::from_millis(1);

/// The channel that `append_batch` notifies, once a batch, with the new head as its payload.
pub const CHANNEL: &str = "mobid_log";

/// The highest position heard of. Hearing late or never only delays: a slow poll stands behind it.
#[derive(Clone, Debug)]
pub struct Wake {
    head: watch::Sender<i64>,
    recent: Recent,
    /// How many appends of this process are under way.
    appending: Arc<AtomicUsize>,
}

impl Default for Wake {
    fn default() -> Self {
        Self { head: watch::Sender::new(0), recent: Recent::default(), appending: Arc::default() }
    }
}

/// An append that is under way in this process, until those who follow the log were told of it.
pub struct Appending<'a>(&'a AtomicUsize);

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Wake {
    /// To be held while an append is under way.
    pub fn appending(&self) -> Appending<'_> {
        self.appending.fetch_add(1, Ordering::AcqRel);
        Appending(&self.appending)
    }

    /// The log has grown to this position; what of it this process just appended, in order, its followers need not read.
    pub fn appended(&self, events: Vec<Arc<Recorded>>, head: i64) {
        self.recent.appended(events);
        self.grown_to(head);
    }

    /// The log has grown to this position.
    pub fn grown_to(&self, position: i64) {
        self.head.send_if_modified(|known| {
            let news = position > *known;
            *known = position.max(*known);
            news
        });
    }

    /// What those who are woken read of it.
    pub fn recent(&self) -> Recent {
        self.recent.clone()
    }

    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Whether a notification says what is known here anyway, or is about to be: this process hears of its own appends,
    /// too, and sometimes before their answer.
    async fn knows(&self, said: &str) -> bool {
        let Ok(at) = said.parse::<i64>() else { return false };
        if self.appending.load(Ordering::Acquire) == 0 {
            return at <= *self.head.borrow();
        }
        let mut known = self.subscribe();
        timeout(ANSWERED, known.wait_for(|known| *known >= at)).await.is_ok()
    }

    /// Hears of other processes' appends until the database is lost; to be called again then.
    pub async fn listen(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        self.grown_to(crate::stream::reader::head(pool).await?);
        loop {
            match timeout(SILENCE, listener.try_recv()).await {
                // Anybody who may connect may notify, so what is said is only a reason to look.
                Ok(Ok(Some(said))) => {
                    if !self.knows(said.payload()).await {
                        self.grown_to(crate::stream::reader::head(pool).await?);
                    }
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                // A connection that was cut says nothing either: this one is given up if it has missed something.
                Err(_) => {
                    let head = crate::stream::reader::head(pool).await?;
                    if head > *self.head.borrow() {
                        self.grown_to(head);
                        return Ok(());
                    }
                }
            }
        }
    }
}
