//! Closed-loop load: so many in flight, each sends its next when its last is answered.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

/// How long past its end a turn waits for a first answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a turn.
pub struct Driven {
    /// Answers a second.
    pub rate: f64,
    /// Of each answer in the turn, sorted.
    pub latencies: Vec<Duration>,
    /// Commands that gave up for losing too often.
    pub given_up: u64,
}

/// How a piece of work ended, if not in an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Well,
    /// It was two.
    Both,
    /// It lost to others as often as it may.
    GivenUp,
}

struct Shared {
    /// When the first request of a paced load is due, and how many there are a second.
    pace: Option<(Instant, f64)>,
    begun: AtomicU64,
    measuring: AtomicBool,
    over: AtomicBool,
    done: AtomicU64,
    given_up: AtomicU64,
}

/// Drives `work(worker)` for a warm-up and a turn. The first error ends it.
pub async fn drive<F, W>(in_flight: usize, warm_up: Duration, turn: Duration, work: F) -> Result<Driven>
where
    F: Fn(usize) -> W + Clone + Send + 'static,
    W: Future<Output = Result<Done>> + Send + 'static,
{
    drive_at(None, in_flight, warm_up, turn, work).await
}

/// The same with so many a second begun, if that is given. A latency counts from when it was due then, so that waiting
/// for a free worker is a part of it.
pub async fn drive_at<F, W>(
    pace: Option<f64>,
    in_flight: usize,
    warm_up: Duration,
    turn: Duration,
    work: F,
) -> Result<Driven>
where
    F: Fn(usize) -> W + Clone + Send + 'static,
    W: Future<Output = Result<Done>> + Send + 'static,
{
    let shared = Arc::new(Shared {
        pace: pace.map(|pace| (Instant::now(), pace)),
        begun: AtomicU64::new(0),
        measuring: AtomicBool::new(false),
        over: AtomicBool::new(false),
        done: AtomicU64::new(0),
        given_up: AtomicU64::new(0),
    });
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        workers.spawn(one(worker, work.clone(), shared.clone()));
    }
    tokio::time::sleep(warm_up).await;
    shared.measuring.store(true, Ordering::Relaxed);
    let started = Instant::now();
    tokio::time::sleep(turn).await;
    // A turn in which nothing was answered yet has no rate.
    while shared.done.load(Ordering::Relaxed) == 0 && started.elapsed() < turn + PATIENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let done = shared.done.load(Ordering::Relaxed);
    let elapsed = started.elapsed();
    shared.over.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    while let Some(worker) = workers.join_next().await {
        latencies.extend(worker??);
    }
    latencies.sort_unstable();
    ensure!(done > 0, "nothing was answered in {turn:?}");
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let rate = done as f64 / elapsed.as_secs_f64();
    Ok(Driven { rate, latencies, given_up: shared.given_up.load(Ordering::Relaxed) })
}

impl Shared {
    /// Waits until the next piece of work is due, and answers when that was.
    async fn turn(&self) -> Instant {
        let Some((first, pace)) = self.pace else { return Instant::now() };
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let due = first + Duration::from_secs_f64(self.begun.fetch_add(1, Ordering::Relaxed) as f64 / pace);
        tokio::time::sleep_until(due.into()).await;
        due
    }
}

async fn one<F, W>(worker: usize, work: F, shared: Arc<Shared>) -> Result<Vec<Duration>>
where
    F: Fn(usize) -> W,
    W: Future<Output = Result<Done>>,
{
    let mut latencies = Vec::new();
    while !shared.over.load(Ordering::Relaxed) {
        let started = shared.turn().await;
        let done = work(worker).await?;
        if shared.measuring.load(Ordering::Relaxed) {
            match done {
                Done::Well => shared.done.fetch_add(1, Ordering::Relaxed),
                Done::Both => shared.done.fetch_add(2, Ordering::Relaxed),
                Done::GivenUp => shared.given_up.fetch_add(1, Ordering::Relaxed),
            };
            latencies.push(started.elapsed());
        }
    }
    Ok(latencies)
}

/// The latency that so many per cent stay within.
pub fn percentile(sorted: &[Duration], per_cent: usize) -> Duration {
    let index = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}
