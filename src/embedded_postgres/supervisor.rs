//! Keeps the database up while the server is: a postmaster that dies is started again, and the pool reconnects.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use super::error::EmbeddedPostgresError;
use super::postmaster::{Launch, Postmaster};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How the watch ends. With the handle merely dropped, it is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stop,
    LeaveRunning,
}

/// The task that watches the postmaster. Dropped, it stops the database and ends.
#[derive(Debug)]
pub(super) struct Supervisor {
    end: oneshot::Sender<End>,
    task: JoinHandle<Result<(), EmbeddedPostgresError>>,
}

impl Supervisor {
    pub(super) fn watch(launch: Launch, postmaster: Postmaster) -> Self {
        let (end, ended) = oneshot::channel();
        Self { end, task: tokio::spawn(supervise(launch, postmaster, ended)) }
    }

    /// Ends the task and returns when the database is down.
    pub(super) async fn stop(self) -> Result<(), EmbeddedPostgresError> {
        self.end(End::Stop).await
    }

    /// Ends the task and leaves the database as it is.
    pub(super) async fn leave_running(self) -> Result<(), EmbeddedPostgresError> {
        self.end(End::LeaveRunning).await
    }

    async fn end(self, how: End) -> Result<(), EmbeddedPostgresError> {
        // A task that is gone already shows below.
        let _ = self.end.send(how);
        self.task.await.map_err(|_| EmbeddedPostgresError::SupervisorGone)?
    }
}

async fn supervise(
    launch: Launch,
    mut postmaster: Postmaster,
    mut end: oneshot::Receiver<End>,
) -> Result<(), EmbeddedPostgresError> {
    loop {
        tokio::select! {
            how = &mut end => {
                if how == Ok(End::LeaveRunning) {
                    postmaster.leave();
                    return Ok(());
                }
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
            _ = &mut end => return launch.quiesce().await,
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
