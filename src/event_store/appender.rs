//! Group commit: while one batch commits the next one fills.
//!
//! A lost connection leaves the fate of a batch unknown, so the same batch is sent again on a new connection: the
//! keys let one copy through, and the command id in the log tells whose it is. Only if the database stays away for
//! longer than a caller waits is the caller told so, and then honestly: unknown, not failed.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mobid_projections::stream::lease::NOTICE_LOSS;
use mobid_projections::stream::wake::Wake;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::database::BY_KEY;

use super::batch::{self, Append, Gathered, Outcome};

/// Commands that may wait before callers have to.
const QUEUE: usize = 4_096;
/// How long a caller waits for an append to be settled.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the database may take to answer before the connection counts as lost: a machine that is gone says
/// nothing. More than a statement may take there, so that those given up on do not pile up behind each other.
const ANSWERED_WITHIN: Duration = Duration::from_secs(6);

/// An append that went in, now or at an earlier attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub position: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the database did not answer in time: whether the command took effect is not known yet")]
    Unknown,
    #[error("the server is shutting down")]
    ShuttingDown,
    #[error("the database refused the events: {0}")]
    Refused(String),
}

struct Job {
    append: Append,
    reply: oneshot::Sender<Result<Outcome, AppendError>>,
}

/// A handle to the appender task; the task ends when the last handle is gone and everything is settled.
#[derive(Clone)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
    reconnects: Arc<AtomicU64>,
}

impl Appender {
    pub fn start(options: PgConnectOptions, wake: Wake) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let reconnects = Arc::new(AtomicU64::new(0));
        let task = Task {
            options: options.application_name("mobid appender"),
            conn: None,
            jobs,
            postponed: VecDeque::new(),
            wake,
            reconnects: reconnects.clone(),
        };
        // A thread of its own: what an append woke up would otherwise run before the next one goes out, and the
        // database would wait for it.
        std::thread::spawn(move || match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(task.run()),
            Err(error) => tracing::error!(error = %error, "the appender cannot run: nothing can be appended"),
        });
        Self { queue, reconnects }
    }

    /// Appends, and answers when the fate of the events is known.
    pub async fn append(&self, append: Append) -> Result<Outcome, AppendError> {
        let settled = async {
            let (reply, answer) = oneshot::channel();
            self.queue.send(Job { append, reply }).await.map_err(|_| AppendError::ShuttingDown)?;
            // The task is gone.
            answer.await.unwrap_or(Err(AppendError::Unknown))
        };
        timeout(PATIENCE, settled).await.unwrap_or(Err(AppendError::Unknown))
    }

    /// Counts connections lost: what was cached before may be of another history.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Acquire)
    }
}

struct Task {
    options: PgConnectOptions,
    conn: Option<PgConnection>,
    jobs: mpsc::Receiver<Job>,
    /// Commands that could not go out with those before them.
    postponed: VecDeque<Job>,
    wake: Wake,
    reconnects: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            let outcomes = self.settle(&batch).await;
            self.turn_away_late(&batch, &outcomes);
            for (job, outcome) in batch.into_iter().zip(outcomes) {
                // A caller that gave up meanwhile learns it from its next attempt.
                let _ = job.reply.send(outcome);
            }
        }
        if let Some(conn) = self.conn {
            let _ = conn.close().await;
        }
    }

    /// The next batch, of whatever is there; `None` when there will be no more. While it is under way the next one fills:
    /// to wait for more would leave the database without work.
    async fn gather(&mut self) -> Option<Vec<Job>> {
        let first = match self.postponed.pop_front() {
            Some(job) => job,
            None => self.jobs.recv().await?,
        };
        let mut gathered = Gathered::default();
        gathered.takes(&first.append);
        let mut batch = vec![first];
        for job in std::mem::take(&mut self.postponed) {
            self.take(&mut gathered, &mut batch, job);
        }
        while !gathered.is_full()
            && self.postponed.len() < QUEUE
            && let Ok(job) = self.jobs.try_recv()
        {
            self.take(&mut gathered, &mut batch, job);
        }
        Some(batch)
    }

    fn take(&mut self, gathered: &mut Gathered, batch: &mut Vec<Job>, job: Job) {
        // Once one is postponed the rest of its aggregate is, too: `takes` remembers only what goes out, but a
        // later command on the same aggregate clashes with the same one that went out.
        if gathered.takes(&job.append) {
            batch.push(job);
        } else {
            self.postponed.push_back(job);
        }
    }

    /// Who waited behind a command on the same aggregate that went in has decided on what is over: they are told at
    /// once, and need not be sent to find out.
    fn turn_away_late(&mut self, batch: &[Job], outcomes: &[Result<Outcome, AppendError>]) {
        if self.postponed.is_empty() {
            return;
        }
        let moved: HashSet<_> = batch
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| matches!(outcome, Ok(Outcome::Appended { .. })))
            .map(|(job, _)| {
                (job.append.aggregate_type, job.append.aggregate_id.as_str(), job.append.expected)
            })
            .collect();
        let waiting = std::mem::take(&mut self.postponed);
        for job in waiting {
            let Append { aggregate_type, aggregate_id, expected, .. } = &job.append;
            if moved.contains(&(*aggregate_type, aggregate_id.as_str(), *expected)) {
                let _ = job.reply.send(Ok(Outcome::Conflict));
            } else {
                self.postponed.push_back(job);
            }
        }
    }

    /// Sends until the fate of each command is known.
    async fn settle(&mut self, batch: &[Job]) -> Vec<Result<Outcome, AppendError>> {
        let all: Vec<_> = batch.iter().map(|job| &job.append).collect();
        match self.send(&all).await {
            Ok(outcomes) => {
                metrics::histogram!("mobid_append_batch_commands")
                    .record(f64::from(u32::try_from(outcomes.len()).unwrap_or(u32::MAX)));
                outcomes.into_iter().map(Ok).collect()
            }
            // The database refuses the whole statement for what one command brings: find out which.
            Err(error) if all.len() == 1 => vec![Err(AppendError::Refused(error.to_string()))],
            Err(_) => {
                let mut outcomes = Vec::new();
                for append in all {
                    let outcome = self.send(&[append]).await;
                    outcomes.push(match outcome {
                        Ok(outcomes) => outcomes.into_iter().next().ok_or(AppendError::Unknown),
                        Err(error) => Err(AppendError::Refused(error.to_string())),
                    });
                }
                outcomes
            }
        }
    }

    /// Sends the same statement until the database answers it.
    async fn send(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut failures = 0;
        loop {
            match self.try_send(batch).await {
                Ok(outcomes) => {
                    for (append, outcome) in batch.iter().zip(&outcomes) {
                        if let Outcome::Appended { position } = outcome {
                            let events = i64::try_from(append.events.len()).unwrap_or(0);
                            self.wake.grown_to(position + events - 1);
                        }
                    }
                    return Ok(outcomes);
                }
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(failures, error = %error, "append unsettled, sending it again");
                    metrics::counter!("mobid_append_resent_total").increment(1);
                    self.conn = None;
                    self.reconnects.fetch_add(1, Ordering::AcqRel);
                    back_off(failures).await;
                }
            }
        }
    }

    async fn try_send(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, sqlx::Error> {
        let answer = async {
            let conn = match &mut self.conn {
                Some(conn) => conn,
                // Whatever keeps us from connecting, it is not the events.
                None => self.conn.insert(connect(&self.options).await.map_err(io::Error::other)?),
            };
            batch::send(conn, batch).await
        };
        timeout(ANSWERED_WITHIN, answer)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}

/// The connection that appends: an acknowledged commit is on disk, and look-ups go by index whatever the
/// statistics of a young table say.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut conn = options.connect().await?;
    conn.execute(NOTICE_LOSS).await?;
    conn.execute(BY_KEY).await?;
    conn.execute("set statement_timeout = '5s'").await?;
    sqlx::query!("set synchronous_commit = on").execute(&mut conn).await?;
    Ok(conn)
}

/// Whether the database answered that it will not take these events, as against not having answered for good.
fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(database) = error.as_database_error() else {
        return !matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed
        );
    };
    // 08 connection, 40 rollback, 53 resources, 57 shutdown, 58 system, XX internal; the rest is about the data.
    let passing = ["08", "25006", "40", "53", "57", "58", "XX"];
    !database.code().is_some_and(|code| passing.iter().any(|class| code.starts_with(class)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pace of asking a database that is away, not a time that matters"
)]
async fn back_off(failures: u32) {
    tokio::time::sleep(Duration::from_millis((10 << failures.min(6)).min(500))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(aggregate_id: &str) -> Job {
        let append = Append {
            command_id: String::new(),
            tenant: String::new(),
            aggregate_type: "consent",
            aggregate_id: aggregate_id.to_owned(),
            expected: 1,
            events: vec![super::super::batch::NewEvent {
                event_id: uuid::Uuid::nil(),
                event_type: String::new(),
                event_version: String::new(),
                payload: "{}".to_owned(),
            }],
            metadata: "{}".to_owned(),
            claims: vec![],
            idempotency: None,
        };
        Job { append, reply: oneshot::channel().0 }
    }

    #[tokio::test]
    async fn a_crowd_on_one_aggregate_does_not_hold_up_the_others() {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let mut task = Task {
            options: PgConnectOptions::new(),
            conn: None,
            jobs,
            postponed: VecDeque::new(),
            wake: Wake::default(),
            reconnects: Arc::default(),
        };
        for _ in 0..1_000 {
            queue.send(job("crowded")).await.unwrap();
        }
        queue.send(job("other")).await.unwrap();
        let batch = task.gather().await.unwrap();
        let ids: Vec<_> = batch.iter().map(|job| job.append.aggregate_id.as_str()).collect();
        assert_eq!(ids, ["crowded", "other"]);
    }

    #[tokio::test]
    async fn who_waited_behind_a_change_of_the_same_aggregate_is_told_at_once() {
        let (_queue, jobs) = mpsc::channel(QUEUE);
        let (reply, mut answer) = oneshot::channel();
        let late = Job { reply, ..job("crowded") };
        let mut task = Task {
            options: PgConnectOptions::new(),
            conn: None,
            jobs,
            postponed: VecDeque::from([late, job("other")]),
            wake: Wake::default(),
            reconnects: Arc::default(),
        };
        task.turn_away_late(&[job("crowded")], &[Ok(Outcome::Conflict)]);
        assert!(answer.try_recv().is_err(), "it may be its turn yet");
        task.turn_away_late(&[job("crowded")], &[Ok(Outcome::Appended { position: 1 })]);
        assert_eq!(answer.try_recv().unwrap().unwrap(), Outcome::Conflict);
        assert_eq!(task.postponed.len(), 1);
    }
}
