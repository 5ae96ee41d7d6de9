//! A lease on some work: a session-level advisory lock on a connection of its own.
//!
//! It only saves two instances from doing the same work; what keeps them from harm is the checkpoint.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::time::timeout;

/// How long an answer may take before the connection counts as lost: a machine that is gone says nothing.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Has the database notice within half a minute that this end is gone without a word. Its own default is two hours,
/// for which a lease would still be held.
pub const NOTICE_LOSS: &str = "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5;
                               set tcp_keepalives_count = 3; set tcp_user_timeout = 25000";

/// Held until dropped, or until its connection is lost, which [`Lease::alive`] finds out.
pub struct Lease(PgConnection);

impl Lease {
    /// Takes the lease if nobody has it.
    pub async fn try_take(options: &PgConnectOptions, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let taken = timeout(ANSWERED_WITHIN, Self::ask_for(options, name)).await;
        taken.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))?
    }

    async fn ask_for(options: &PgConnectOptions, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let mut conn = options.clone().application_name("mobid lease").connect().await?;
        conn.execute(NOTICE_LOSS).await?;
        let taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtextextended('mobid:lease:' || $1, 0)) as "taken!""#,
            name
        )
        .fetch_one(&mut conn)
        .await?;
        if taken {
            return Ok(Some(Self(conn)));
        }
        conn.close().await?;
        Ok(None)
    }

    /// Whether the connection that holds the lock is still there.
    pub async fn alive(&mut self) -> bool {
        matches!(timeout(ANSWERED_WITHIN, self.0.ping()).await, Ok(Ok(())))
    }

    /// Lets go at once.
    pub async fn release(self) {
        // A lost connection has let go already.
        let _ = timeout(ANSWERED_WITHIN, self.0.close()).await;
    }
}
