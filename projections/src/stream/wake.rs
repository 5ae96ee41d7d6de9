//! Tells followers that the log has grown: at once within a process, by NOTIFY between processes.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

/// The channel that `append_events` notifies, once a batch, with the new head as its payload.
pub const CHANNEL: &str = "mobid_log";

/// The highest position heard of. Hearing late or never only delays: a slow poll stands behind it.
#[derive(Clone, Debug)]
pub struct Wake(watch::Sender<i64>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Wake {
    /// The log has grown to this position.
    pub fn grown_to(&self, position: i64) {
        self.0.send_if_modified(|known| {
            let news = position > *known;
            *known = position.max(*known);
            news
        });
    }

    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }

    /// Hears of other processes' appends until the database is lost; to be called again then.
    pub async fn listen(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        self.grown_to(crate::stream::reader::head(pool).await?);
        while let Some(notification) = listener.try_recv().await? {
            if let Ok(position) = notification.payload().parse() {
                self.grown_to(position);
            }
        }
        Ok(())
    }
}
