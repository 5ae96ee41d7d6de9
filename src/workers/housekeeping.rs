//! Removes rows that are past their end and are not history.

use tokio_cron_scheduler::{Job, JobSchedulerError};

use crate::app::App;
use crate::ephemeral::{cap, code, proof};

/// Each minute.
pub fn job(app: App) -> Result<Job, JobSchedulerError> {
    Job::new_async("0 * * * * *", move |_, _| {
        let app = app.clone();
        Box::pin(async move {
            match tidy(&app).await {
                Ok(0) => {}
                // The database went away because the server did.
                Err(_) if *app.stopping.borrow() => {}
                Ok(removed) => tracing::debug!(removed, "housekeeping"),
                Err(error) => tracing::warn!(error = %error, "housekeeping failed, the next one goes on"),
            }
        })
    })
}

/// Answers how many rows went.
pub async fn tidy(app: &App) -> Result<u64, sqlx::Error> {
    let now = app.clock.now();
    Ok(app.idempotency.prune(now).await?
        + code::prune(&app.pool, now).await?
        + proof::prune(&app.pool, now).await?
        + cap::prune(&app.pool, now).await?)
}
