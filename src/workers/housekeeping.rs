//! Removes rows that are past their end and are not history.
//!
//! A little at a time, so that nobody waits for it and no snapshot gets old; by all instances, which pass over what
//! another is removing.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mobid_projections::webhook::delivery;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_cron_scheduler::{Job, JobSchedulerError};

use crate::app::App;
use crate::ephemeral::{cap, ceremony, client_requests, code, proof, session};

/// Rows that one statement removes.
const CHUNK: u16 = 1_000;
/// How long it may take, should the database not answer: no other can begin meanwhile.
const LONGEST: Duration = Duration::from_mins(10);

/// Each minute.
pub fn job(app: App) -> Result<Job, JobSchedulerError> {
    let turn: Arc<Mutex<()>> = Arc::default();
    Job::new_async("0 * * * * *", move |_, _| {
        let (app, turn) = (app.clone(), turn.clone());
        Box::pin(async move {
            // One that takes longer than a minute is not joined by another.
            let Ok(_turn) = turn.try_lock() else { return };
            match timeout(LONGEST, tidy(&app)).await {
                Ok(Ok(0)) => {}
                // The database went away because the server did.
                Ok(Err(_)) if *app.stopping.borrow() => {}
                Ok(Ok(removed)) => tracing::debug!(removed, "housekeeping"),
                Ok(Err(error)) => tracing::warn!(error = %error, "housekeeping failed, the next one goes on"),
                Err(_) => tracing::warn!("housekeeping took too long, the next one goes on"),
            }
        })
    })
}

/// Answers how many rows went.
pub async fn tidy(app: &App) -> Result<u64, sqlx::Error> {
    let (pool, now, chunk) = (&app.pool, app.clock.now(), i64::from(CHUNK));
    let settled_before = now - TimeDelta::days(i64::from(app.config.webhook_retention_days));
    app.limiter.tidy(now);
    Ok(in_chunks(app, || app.idempotency.prune(now, chunk)).await?
        + in_chunks(app, || ceremony::prune(pool, now, chunk)).await?
        + in_chunks(app, || code::prune(pool, now, chunk)).await?
        + in_chunks(app, || proof::prune(pool, now, chunk)).await?
        + in_chunks(app, || session::prune(pool, now, chunk)).await?
        + in_chunks(app, || cap::prune(pool, now, chunk)).await?
        + in_chunks(app, || client_requests::add_up(pool, now.date_naive(), chunk)).await?
        + in_chunks(app, || delivery::prune(pool, settled_before, chunk)).await?)
}

/// Removes until there is less than a chunk left, or the server stops.
async fn in_chunks<F: Future<Output = Result<u64, sqlx::Error>>>(
    app: &App,
    prune: impl Fn() -> F,
) -> Result<u64, sqlx::Error> {
    let mut removed = 0;
    while !*app.stopping.borrow() {
        let chunk = prune().await?;
        removed += chunk;
        if chunk < u64::from(CHUNK) {
            break;
        }
    }
    Ok(removed)
}
