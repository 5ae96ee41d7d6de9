//! Says in the log that a consent or an enrollment has expired, soon after it has.
//!
//! Everything shows `expired` from the deadline on, so a sweep that comes late, twice or on two instances at once
//! changes nothing but the time of the event: it can be killed at any instant.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mobid_domain::consent::{Consent, ConsentCommand};
use mobid_domain::enrollment::{Enrollment, EnrollmentCommand};
use mobid_projections::enrollment::query as enrollments;
use mobid_projections::expiry;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::lease::Lease;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_cron_scheduler::{Job, JobSchedulerError};

use crate::app::App;
use crate::event_store::{CommandContext, ExecuteError};

/// Consents that one batch loads and decides.
const BATCH: usize = 500;
/// Batches under way at the same time: while one is appended the next is loaded.
const ABREAST: usize = 4;
/// How long a sweep may take, should the database not answer: no other can begin meanwhile.
const LONGEST: Duration = Duration::from_mins(10);

type SweepError = ExecuteError<mobid_domain::consent::ConsentError>;
type EnrollmentSweepError = ExecuteError<mobid_domain::enrollment::EnrollmentError>;

/// Each second, by whichever instance has the lease.
pub fn job(app: App) -> Result<Job, JobSchedulerError> {
    let lease: Arc<Mutex<Option<Lease>>> = Arc::default();
    Job::new_async("* * * * * *", move |_, _| {
        let (app, lease) = (app.clone(), lease.clone());
        Box::pin(async move {
            // A sweep that takes longer than a second is not joined by another.
            let Ok(mut lease) = lease.try_lock() else { return };
            if *app.stopping.borrow() {
                return;
            }
            match timeout(LONGEST, tick(&app, &mut lease)).await {
                Ok(Ok(())) => {}
                // The database went away because the server did.
                Ok(Err(_)) if *app.stopping.borrow() => {}
                Ok(Err(error)) => tracing::warn!(error = %error, "expiry sweep failed, the next one goes on"),
                Err(_) => tracing::warn!("expiry sweep took too long, the next one goes on"),
            }
        })
    })
}

async fn tick(app: &App, lease: &mut Option<Lease>) -> Result<(), SweepError> {
    if lease.as_ref().is_none_or(|held| !held.alive()) {
        *lease = None;
        *lease = Lease::take_if_free(&app.pool, "expiry").await?;
    }
    if lease.is_some() {
        sweep(app).await?;
        if let Err(error) = sweep_enrollments(app).await {
            tracing::warn!(error = %error, "sweep of enrollments failed, the next one goes on");
        }
    }
    Ok(())
}

/// Expires every open enrollment whose deadline has come; answers how many.
pub async fn sweep_enrollments(app: &App) -> Result<usize, EnrollmentSweepError> {
    let now = app.clock.now();
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let (mut expired, mut after) = (0, None);
    loop {
        let due = enrollments::due(&app.pool, now, after.as_ref(), limit).await?;
        let Some(last) = due.last().cloned() else { return Ok(expired) };
        let ids: Vec<_> = due.into_iter().map(|(_, id)| id).collect();
        let context = |folded: &Folded<Enrollment>| {
            let tenant = folded.state.session()?.request.client_id;
            Some(CommandContext::system("expiry", tenant, now, Some("deadline".to_owned())))
        };
        expired += app.store.execute_many::<Enrollment>(&ids, EnrollmentCommand::Expire, context).await?;
        after = Some(last);
    }
}

/// Expires everything whose deadline has come; answers how many.
pub async fn sweep(app: &App) -> Result<usize, SweepError> {
    let now = app.clock.now();
    let limit = i64::try_from(BATCH * ABREAST).unwrap_or(i64::MAX);
    let mut expired = 0;
    let mut after = None;
    loop {
        let due = expiry::due_consents(&app.pool, now, after.as_ref(), limit).await?;
        let Some(last) = due.last().cloned() else { return Ok(expired) };
        let ids: Vec<_> = due.into_iter().map(|(_, id)| id).collect();
        let batches = ids.chunks(BATCH).map(|ids| expire(app, ids, now));
        for changed in futures::future::join_all(batches).await {
            expired += changed?;
        }
        after = Some(last);
    }
}

async fn expire(app: &App, ids: &[String], now: DateTime<Utc>) -> Result<usize, SweepError> {
    let context = |folded: &Folded<Consent>| {
        let tenant = folded.state.session()?.request.client_id;
        Some(CommandContext::system("expiry", tenant, now, Some("deadline".to_owned())))
    };
    app.store.execute_many::<Consent>(ids, ConsentCommand::Expire, context).await
}
