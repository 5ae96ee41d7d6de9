//! Keeps the database up while the server is: a postmaster that dies is started again, and the pool reconnects.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use super::error::EmbeddedPostgresError;
use super::postmaster::{Launch, Postmaster};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The task that watches the postmaster. Dropped, it stops the database and ends.
#[derive(Debug)]
pub(super) struct Supervisor {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), EmbeddedPostgresError>>,
}

impl Supervisor {
    pub(super) fn watch(launch: Launch, postmaster: Postmaster) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(supervise(launch, postmaster, stopped)) }
    }

    /// Ends the task and returns when the database is down.
    pub(super) async fn stop(self) -> Result<(), EmbeddedPostgresError> {
        // A task that is gone already shows below.
        let _ = self.stop.send(());
        self.task.await.map_err(|_| EmbeddedPostgresError::SupervisorGone)?
    }
}

async fn supervise(
    launch: Launch,
    mut postmaster: Postmaster,
    mut stop: oneshot::Receiver<()>,
) -> Result<(), EmbeddedPostgresError> {
    loop {
        tokio::select! {
            // Both a message and a dropped sender mean: stop.
            _ = &mut stop => {
                let ended = postmaster.stop().await;
                if ended {
                    tracing::info!("embedded Postgres is down");
                    return Ok(());
                }
                return launch.quiesce().await;
            }
            status = postmaster.ended() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                tracing::error!(status, "embedded Postgres ended by itself: starting it again");
            }
        }
        postmaster = tokio::select! {
            _ = &mut stop => return launch.quiesce().await,
            again = start_again(&launch) => again,
        };
        tracing::warn!("embedded Postgres is up again");
    }
}

/// Tries until it works: a full disk can be emptied, and the server answers "not ready" meanwhile.
async fn start_again(launch: &Launch) -> Postmaster {
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = async {
            launch.quiesce().await?;
            launch.start().await
        };
        match attempt.await {
            Ok(postmaster) => return postmaster,
            Err(error) => {
                tracing::error!(%error, retry_in_ms = pause.as_millis(), "embedded Postgres does not start");
            }
        }
        interval_at(Instant::now() + pause, pause).tick().await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
