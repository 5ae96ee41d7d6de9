//! A lease on some work: a session-level advisory lock on a connection of its own.
//!
//! It only saves two instances from doing the same work; what keeps them from harm is the checkpoint. It goes to
//! another within seconds of its holder's end, whatever that is: a dead process closes its connection, and of one that
//! is stopped or cut off the database ends the session, which it does not hear from any more.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long an answer may take before the connection counts as lost: a machine that is gone says nothing.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// How often the holder says that it is there.
const BEAT: Duration = Duration::from_secs(1);

/// Has the database notice within seconds that this end is gone without a word. Its own default is two hours, for which
/// what this end holds, a lease or a locked row, would still be held. A process that is stopped does not even lose its
/// connections: its transactions must not outlive it either.
pub const NOTICE_LOSS: &str = "set tcp_keepalives_idle = 4; set tcp_keepalives_interval = 2;
                               set tcp_keepalives_count = 2; set tcp_user_timeout = 8000;
                               set idle_in_transaction_session_timeout = '5s'";
/// The same for a session that does nothing but hold a lock. It speaks up every [`BEAT`].
const NOTICE_SILENCE: &str = "set idle_session_timeout = '5s'";

/// Held until dropped, or until its connection is lost.
pub struct Lease {
    held: watch::Receiver<bool>,
    let_go: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease if nobody has it.
    pub async fn try_take(options: &PgConnectOptions, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let taken = timeout(ANSWERED_WITHIN, ask_for(options, name)).await;
        let taken = taken.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
        Ok(taken.map(|conn| {
            let (holds, held) = watch::channel(true);
            let (let_go, dropped) = oneshot::channel();
            Self { held, let_go, keeper: tokio::spawn(keep(conn, holds, dropped)) }
        }))
    }

    /// The same, without a connection of its own for each time that somebody else has it.
    pub async fn take_if_free(pool: &PgPool, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let taken = sqlx::query_scalar!(
            r#"select exists (
                   select from pg_locks
                   where locktype = 'advisory' and granted and objsubid = 1
                     and database = (select oid from pg_database where datname = current_database())
                     and (classid::bigint << 32 | objid::bigint) = hashtextextended('mobid:lease:' || $1, 0)
               ) as "taken!""#,
            name
        )
        .fetch_one(pool)
        .await?;
        if taken { Ok(None) } else { Self::try_take(&pool.connect_options(), name).await }
    }

    /// Whether the lock was there a beat ago.
    pub fn alive(&self) -> bool {
        *self.held.borrow()
    }

    /// Lets go at once.
    pub async fn release(self) {
        drop(self.let_go);
        // A lost connection has let go already.
        let _ = timeout(ANSWERED_WITHIN, self.keeper).await;
    }
}

async fn ask_for(options: &PgConnectOptions, name: &str) -> Result<Option<PgConnection>, sqlx::Error> {
    let mut conn = options.clone().application_name("mobid lease").connect().await?;
    conn.execute(NOTICE_LOSS).await?;
    conn.execute(NOTICE_SILENCE).await?;
    let taken = sqlx::query_scalar!(
        r#"select pg_try_advisory_lock(hashtextextended('mobid:lease:' || $1, 0)) as "taken!""#,
        name
    )
    .fetch_one(&mut conn)
    .await?;
    if taken {
        return Ok(Some(conn));
    }
    conn.close().await?;
    Ok(None)
}

/// Keeps the session from being taken for gone, until the lease is dropped or the session lost.
async fn keep(mut conn: PgConnection, holds: watch::Sender<bool>, mut dropped: oneshot::Receiver<()>) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut dropped => break,
            _ = beat.tick() => if !matches!(timeout(ANSWERED_WITHIN, conn.ping()).await, Ok(Ok(()))) {
                break;
            }
        }
    }
    holds.send_replace(false);
    let _ = timeout(ANSWERED_WITHIN, conn.close()).await;
}
