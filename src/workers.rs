//! What runs beside the requests: followers of the log, expiry, webhooks, notices, dropped passkeys, housekeeping.
//!
//! Each is stateless and safe with several instances; each stops when told to, having lost nothing.

pub mod dropped_passkeys;
pub mod expiry;
pub mod housekeeping;
pub mod metering;
pub mod notices;
pub mod projector;
pub mod webhook_sender;

use anyhow::Context;
use mobid_projections::stream::runner::Runner;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;

/// Everything that runs in the background, until stopped.
pub struct Workers {
    app: App,
    tasks: JoinSet<()>,
    clockwork: tokio_cron_scheduler::JobScheduler,
}

impl Workers {
    pub async fn start(
        app: &App,
        runners: Vec<Runner>,
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let mut tasks = JoinSet::new();
        for runner in runners {
            tasks.spawn(runner.run(stop.clone()));
        }
        tasks.spawn(projector::hear_of_appends(app.pool.clone(), app.wake.clone(), stop.clone()));
        let sender = webhook_sender::Sender::new(app.clone()).context("webhook sender")?;
        tasks.spawn(sender.run(stop.clone()));
        tasks.spawn(notices::run(app.clone(), stop.clone()));
        tasks.spawn(dropped_passkeys::run(app.clone(), stop.clone()));
        tasks.spawn(metering::run(app.clone(), stop.clone()));
        let clockwork = tokio_cron_scheduler::JobScheduler::new().await.context("scheduler")?;
        clockwork.add(expiry::job(app.clone()).context("expiry job")?).await?;
        clockwork.add(housekeeping::job(app.clone()).context("housekeeping job")?).await?;
        clockwork.start().await?;
        Ok(Self { app: app.clone(), tasks, clockwork })
    }

    /// Waits for all of them, after `stop` was told.
    pub async fn finish(mut self) {
        if let Err(error) = self.clockwork.shutdown().await {
            tracing::warn!(error = %error, "the scheduler did not stop cleanly");
        }
        while self.tasks.join_next().await.is_some() {}
        // No request comes any more.
        metering::write(&self.app).await;
        self.app.limiter.settle().await;
    }
}
