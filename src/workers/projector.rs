//! Keeps the followers of the log awake.

use std::time::Duration;

use mobid_projections::stream::wake::Wake;
use sqlx::PgPool;
use tokio::sync::watch;

/// How long to wait before listening again after the database was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears of other instances' appends, for as long as the process runs.
pub async fn hear_of_appends(pool: PgPool, wake: Wake, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            heard = wake.listen(&pool) => if let Err(error) = heard {
                tracing::warn!(error = %error, "lost the notifications of the log, listening again");
            }
        }
        // Being stopped ends the pause; a time-out is what it is for.
        if tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}
