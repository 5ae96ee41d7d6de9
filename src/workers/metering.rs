//! Writes down what requests leave behind in memory: how many there were of each client, and which keys were used.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::App;

/// What a server that is killed may lose.
const EVERY: Duration = Duration::from_secs(10);
/// How long a write may take: a stop does not wait longer for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Until told to stop.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    // Being stopped ends the pause; a time-out is what it is for.
    while timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        write(&app).await;
    }
}

/// What cannot be written now is kept for the next time.
pub async fn write(app: &App) {
    let (pool, now) = (&app.pool, app.clock.now());
    let written = async {
        app.requests.write(pool, now.date_naive()).await?;
        app.keys.uses.write(pool).await
    };
    match timeout(PATIENCE, written).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "uses of the API are written down next time"),
        Err(_) => tracing::warn!("the database does not answer, uses of the API are written down next time"),
    }
}
