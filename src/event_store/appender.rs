//! Group commit: while one batch commits the next one fills.
//!
//! A lost connection leaves the fate of a batch unknown, so the same batch is sent again on a new connection: the
//! keys let one copy through, and the command id in the log tells whose it is. Only if the database stays away for
//! longer than a caller waits is the caller told so, and then honestly: unknown, not failed.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mobid_projections::stream::wake::{Appending, Wake};
use sqlx::postgres::PgConnectOptions;
use tokio::runtime;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};
use tokio::time::timeout;

use super::batch::{Append, Gathered, Outcome};
use super::line::Line;

/// Commands that may wait before callers have to.
const QUEUE: usize = 4_096;
/// How long a caller waits for an append to be settled.
const PATIENCE: Duration = Duration::from_secs(20);
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

type Reply = oneshot::Sender<Result<Outcome, AppendError>>;

struct Job {
    append: Append,
    reply: Reply,
}

/// A handle to the appender; it ends when the last handle is gone and everything is settled.
#[derive(Clone)]
pub struct Appender {
    queue: mpsc::Sender<Job>,
    /// For who comes while nothing else is under way.
    alone: Arc<Mutex<Line>>,
    wake: Wake,
    under_way: Arc<AtomicUsize>,
    reconnects: Arc<AtomicU64>,
}

impl Appender {
    pub fn start(options: PgConnectOptions, wake: Wake) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let reconnects = Arc::new(AtomicU64::new(0));
        let options = options.application_name("mobid appender");
        let alone = Line::new(options.clone(), reconnects.clone());
        let line = Line::new(options, reconnects.clone());
        let task = Task { line, jobs, postponed: VecDeque::new(), wake: wake.clone() };
        // A thread of its own: what an append woke up would otherwise run before the next one goes out, and the
        // database would wait for it.
        std::thread::spawn(move || match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(task.run()),
            Err(error) => tracing::error!(error = %error, "the appender cannot run: nothing can be appended"),
        });
        Self { queue, alone: Arc::new(Mutex::new(alone)), wake, under_way: Arc::default(), reconnects }
    }

    /// Appends, and answers when the fate of the events is known.
    pub async fn append(&self, append: Append) -> Result<Outcome, AppendError> {
        let others = UnderWay::enter(&self.under_way);
        let settled = async {
            match self.alone.clone().try_lock_owned() {
                Ok(line) if others.none => send_alone(line, append, self.wake.clone()).await,
                _ => self.send_with_others(append).await,
            }
        };
        timeout(PATIENCE, settled).await.unwrap_or(Err(AppendError::Unknown))
    }

    async fn send_with_others(&self, append: Append) -> Result<Outcome, AppendError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job { append, reply }).await.map_err(|_| AppendError::ShuttingDown)?;
        // The task is gone.
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }

    /// Counts connections lost: what was cached before may be of another history.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Acquire)
    }
}

/// Who comes alone has no batch to share, and on this thread's own connection nobody to wake up first. In a task of
/// its own, since a caller that goes away does not take back what it sent.
async fn send_alone(
    mut line: OwnedMutexGuard<Line>,
    append: Append,
    wake: Wake,
) -> Result<Outcome, AppendError> {
    let settled = tokio::spawn(async move {
        let _appending = wake.appending();
        let mut outcomes = line.settle(&[&append]).await;
        tell_followers(&wake, vec![append], &outcomes);
        outcomes.pop()
    });
    settled.await.ok().flatten().unwrap_or(Err(AppendError::Unknown))
}

/// Wakes those who follow the log. What was just appended they need not read.
fn tell_followers(wake: &Wake, appends: Vec<Append>, outcomes: &[Result<Outcome, AppendError>]) {
    let (mut fresh, mut head) = (Vec::with_capacity(appends.len()), 0);
    for (append, outcome) in appends.into_iter().zip(outcomes) {
        let Ok(Outcome::Appended { position, recorded_at }) = *outcome else { continue };
        head = append.last(position).max(head);
        if let Some(recorded_at) = recorded_at {
            fresh.extend(append.into_recorded(position, recorded_at).map(Arc::new));
        }
    }
    wake.appended(fresh, head);
}

/// One of those who wait for an append.
struct UnderWay<'a> {
    all: &'a AtomicUsize,
    /// There was nobody else when it came.
    none: bool,
}

impl<'a> UnderWay<'a> {
    fn enter(all: &'a AtomicUsize) -> Self {
        Self { all, none: all.fetch_add(1, Ordering::AcqRel) == 0 }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Task {
    line: Line,
    jobs: mpsc::Receiver<Job>,
    /// Commands that could not go out with those before them.
    postponed: VecDeque<Job>,
    wake: Wake,
}

/// A batch whose fate is known, and nobody was told yet.
#[derive(Default)]
struct Settled<'a> {
    batch: Vec<Job>,
    outcomes: Vec<Result<Outcome, AppendError>>,
    /// Of who waited behind one of them and is too late.
    late: Vec<Reply>,
    _appending: Option<Appending<'a>>,
}

impl Settled<'_> {
    fn tell(self, wake: &Wake) {
        let (appends, replies): (Vec<_>, Vec<_>) =
            self.batch.into_iter().map(|job| (job.append, job.reply)).unzip();
        tell_followers(wake, appends, &self.outcomes);
        for (reply, outcome) in replies.into_iter().zip(self.outcomes) {
            // A caller that gave up meanwhile learns it from its next attempt.
            let _ = reply.send(outcome);
        }
        // After the others: by then what there is now is remembered.
        for reply in self.late {
            let _ = reply.send(Ok(Outcome::Conflict));
        }
    }
}

impl Task {
    async fn run(mut self) {
        let wake = self.wake.clone();
        let mut settled = Settled::default();
        loop {
            let first = if let Some(first) = self.waiting() {
                first
            } else {
                std::mem::take(&mut settled).tell(&wake);
                let Some(first) = self.jobs.recv().await else { break };
                first
            };
            let batch = self.gather(first);
            let appending = wake.appending();
            let all: Vec<_> = batch.iter().map(|job| &job.append).collect();
            // Sent before those of the last one are told, so that the database does not wait for that.
            let last = std::mem::take(&mut settled);
            let (outcomes, ()) = tokio::join!(biased; self.line.settle(&all), async { last.tell(&wake) });
            let late = self.turn_away_late(&batch, &outcomes);
            settled = Settled { batch, outcomes, late, _appending: Some(appending) };
        }
        self.line.close().await;
    }

    /// A command that came while others were under way.
    fn waiting(&mut self) -> Option<Job> {
        self.postponed.pop_front().or_else(|| self.jobs.try_recv().ok())
    }

    /// The next batch, of whatever is there. While it is under way the next one fills: to wait for more would leave the
    /// database without work.
    fn gather(&mut self, first: Job) -> Vec<Job> {
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
        batch
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

    /// Who waited behind a command on the same aggregate that went in has decided on what is over: they need not be sent
    /// to find out.
    fn turn_away_late(&mut self, batch: &[Job], outcomes: &[Result<Outcome, AppendError>]) -> Vec<Reply> {
        let mut late = Vec::new();
        if self.postponed.is_empty() {
            return late;
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
                late.push(job.reply);
            } else {
                self.postponed.push_back(job);
            }
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(aggregate_id: &str) -> Job {
        let append = Append {
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

    fn line() -> Line {
        Line::new(PgConnectOptions::new(), Arc::default())
    }

    #[tokio::test]
    async fn a_crowd_on_one_aggregate_does_not_hold_up_the_others() {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let mut task = Task { line: line(), jobs, postponed: VecDeque::new(), wake: Wake::default() };
        for _ in 0..1_000 {
            queue.send(job("crowded")).await.unwrap();
        }
        queue.send(job("other")).await.unwrap();
        let first = task.waiting().unwrap();
        let batch = task.gather(first);
        let ids: Vec<_> = batch.iter().map(|job| job.append.aggregate_id.as_str()).collect();
        assert_eq!(ids, ["crowded", "other"]);
    }

    #[tokio::test]
    async fn who_waited_behind_a_change_of_the_same_aggregate_need_not_be_sent() {
        let (_queue, jobs) = mpsc::channel(QUEUE);
        let postponed = VecDeque::from([job("crowded"), job("other")]);
        let mut task = Task { line: line(), jobs, postponed, wake: Wake::default() };
        let mut late = |outcome| task.turn_away_late(&[job("crowded")], &[Ok(outcome)]).len();
        assert_eq!(late(Outcome::Conflict), 0, "it may be its turn yet");
        assert_eq!(late(Outcome::Appended { position: 1, recorded_at: None }), 1);
        assert_eq!(task.postponed.len(), 1);
    }
}
