//! A lease on some work: a session-level advisory lock on a connection of its own.
//!
//! It only saves two instances from doing the same work; what keeps them from harm is the checkpoint.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

/// Held until dropped, or until its connection is lost, which [`Lease::alive`] finds out.
pub struct Lease(PgConnection);

impl Lease {
    /// Takes the lease if nobody has it.
    pub async fn try_take(options: &PgConnectOptions, name: &str) -> Result<Option<Self>, sqlx::Error> {
        let mut conn = options.clone().application_name("mobid lease").connect().await?;
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
        self.0.ping().await.is_ok()
    }

    /// Lets go at once.
    pub async fn release(self) {
        // A lost connection has let go already.
        let _ = self.0.close().await;
    }
}
