//! One run of the postmaster, from launch to end.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::process::Child;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::binaries::Binaries;
use super::cluster::Cluster;
use super::error::{EmbeddedPostgresError, OrAt as _};
use super::{processes, socket_options};

/// How long a postmaster may run without an answer. Replaying the WAL after a crash is an answer.
const SILENCE: Duration = Duration::from_mins(1);
/// `cannot_connect_now`: starting up, replaying or shutting down.
const NOT_YET: &str = "57P03";
/// How much of the log an error quotes, in bytes.
const TAIL: u64 = 2_000;

/// All that is needed to start the same database again.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) cluster: Cluster,
    pub(super) binaries: Binaries,
    pub(super) socket_dir: PathBuf,
}

impl Launch {
    /// Makes sure that nothing runs on the cluster, and that nothing left over keeps a postmaster from starting.
    pub(super) async fn quiesce(&self) -> Result<(), EmbeddedPostgresError> {
        processes::stop_all(&self.cluster.dir).await?;
        processes::forget_stale_locks(&self.cluster.dir, &self.socket_dir);
        Ok(())
    }

    /// Starts a postmaster on a quiet cluster and returns once it takes connections.
    pub(super) async fn start(&self) -> Result<Postmaster, EmbeddedPostgresError> {
        self.cluster.configure(&self.socket_dir)?;
        let (log, log_begin) = self.cluster.open_log()?;
        let errors = log.try_clone().or_at("open", &self.cluster.log)?;
        let child = self
            .binaries
            .program("postgres", &self.cluster.account)
            .arg("-D")
            .arg(&self.cluster.dir)
            // A Ctrl-C on the terminal goes to its process group: the server drains first and stops us after.
            .process_group(0)
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .or_at("run postgres in", &self.cluster.dir)?;
        let mut postmaster = Postmaster { child, outlives_us: false };
        self.answered(&mut postmaster, log_begin).await?;
        Ok(postmaster)
    }

    /// How to connect as the superuser, to the database that is always there.
    pub(super) fn superuser(&self) -> PgConnectOptions {
        socket_options(&self.socket_dir).username("postgres").database("postgres").disable_statement_logging()
    }

    async fn answered(
        &self,
        postmaster: &mut Postmaster,
        log_begin: u64,
    ) -> Result<(), EmbeddedPostgresError> {
        let log = &self.cluster.log;
        let mut heard = Instant::now();
        let mut tick = interval(Duration::from_millis(20));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Some(status) = postmaster.child.try_wait().or_at("watch", &self.cluster.dir)? {
                let tail = tail_of(log, log_begin);
                return Err(EmbeddedPostgresError::Died {
                    status: status.to_string(),
                    log: log.clone(),
                    tail,
                });
            }
            match PgConnection::connect_with(&self.superuser()).await {
                Ok(connection) => {
                    // It answered; how it takes the goodbye does not matter.
                    let _ = connection.close().await;
                    return Ok(());
                }
                Err(error) if says_not_yet(&error) => heard = Instant::now(),
                Err(source) if heard.elapsed() > SILENCE => {
                    return Err(EmbeddedPostgresError::NoAnswer { log: log.clone(), source });
                }
                Err(_) => {}
            }
        }
    }
}

/// A postmaster that is our child. Dropping it asks it to shut down, for nobody would be left to watch it.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    outlives_us: bool,
}

impl Postmaster {
    /// Returns when it has ended, for whatever reason.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Fast shutdown; if that takes too long an immediate one, which the next start recovers from.
    pub(super) async fn stop(mut self) -> bool {
        for (signal, bound) in
            [(Signal::INT, processes::FAST_SHUTDOWN), (Signal::QUIT, processes::IMMEDIATE_SHUTDOWN)]
        {
            self.send(signal);
            if timeout(bound, self.child.wait()).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Lets it run on, unwatched.
    pub(super) fn leave(mut self) {
        self.outlives_us = true;
    }

    fn send(&self, signal: Signal) {
        // The id is there until the child has been waited for, so it cannot be somebody else's.
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(pid) = pid {
            processes::send(pid, signal);
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if !self.outlives_us {
            self.send(Signal::INT);
        }
    }
}

fn says_not_yet(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code().map(|code| code == NOT_YET)).unwrap_or(false)
}

/// The end of what this start wrote to the log; what cannot be read is left out.
fn tail_of(log: &Path, begin: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(begin.max(end.saturating_sub(TAIL))))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim().to_owned()
}
