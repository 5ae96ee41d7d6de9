//! Connections that are in use nearly all the time.
//!
//! The pool gives out the connection that has rested longest, whose process in the database has been out of every
//! cache for as long, and tries each again when it comes back. Who asks all the time keeps one to itself instead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, PgPool};

/// How long a connection that was not used counts as good.
pub const RESTED: Duration = Duration::from_millis(200);

/// As many as rest at the most: what a crowd needed for a moment is not kept.
const RESTING: usize = 4;

/// As many connections as are in use at the same time, set up as the pool sets up its own. Shared by clones.
#[derive(Debug, Clone)]
pub struct Warm {
    pool: PgPool,
    resting: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
}

impl Warm {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, resting: Arc::default() }
    }

    /// A connection that works, as far as one can know.
    pub async fn take(&self) -> Result<PgConnection, sqlx::Error> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some((mut conn, since)) = resting
            && (since.elapsed() < RESTED || conn.ping().await.is_ok())
        {
            return Ok(conn);
        }
        Ok(self.pool.acquire().await?.detach())
    }

    /// Takes back one that answered well and is in no transaction; one that did not is dropped instead.
    pub fn keep(&self, conn: PgConnection) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.len() < RESTING {
            resting.push((conn, Instant::now()));
        }
    }
}
