//! Drives one follower: lease, steps, pauses, and what to do when something is wrong.

mod step;

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::watch;

use super::ahead::Ahead;
use super::checkpoint;
use super::failure;
use super::lease::Lease;
use super::loader::Loader;
use super::progress::{Condition, Progress};
use super::recent::Recent;
use super::wake::Wake;
use super::warm::Warm;
use crate::projection::{ApplyError, Follower, Pace};

use step::{Step, StepError};

/// Events a transaction takes at the most.
const BATCH: i64 = 2_000;
/// Where one batch comes so soon after another, past what was waited for more, more is coming.
const RESTLESS: Duration = Duration::from_millis(15);
/// How long a turn may take, many times what a batch takes: past that the database is gone without a word.
const TURN: Duration = Duration::from_mins(1);
/// How often to look without having been woken.
const POLL: Duration = Duration::from_secs(1);

pub struct Runner {
    pool: PgPool,
    follower: Follower,
    wake: watch::Receiver<i64>,
    recent: Recent,
    position: watch::Sender<i64>,
    condition: watch::Sender<Condition>,
    warm: Warm,
    /// 1 while looking for the event that broke a batch.
    batch: i64,
    /// Where the checkpoint is, as far as this runner knows; it is looked at again when that is doubtful.
    known: Option<i64>,
    /// Up to where nothing after that concerned it: its checkpoint has yet to move there.
    passed: i64,
    looked_around: Instant,
    /// When the last batch was done.
    moved: Instant,
    /// Where its checkpoint moved to, and when.
    kept: (i64, Instant),
    /// Set while there is more to apply than a batch.
    ahead: Option<Ahead>,
    /// There may be a failure on record from before.
    recovering: bool,
    loader: Loader,
}

impl Runner {
    pub fn new(pool: PgPool, follower: Follower, wake: &Wake) -> (Self, Progress) {
        let position = watch::Sender::new(0);
        let condition = watch::Sender::new(Condition::StandingBy);
        let (warm, loader) = (Warm::new(pool.clone()), Loader::new(pool.clone()));
        let progress = Progress {
            name: follower.name(),
            version: follower.version(),
            position: position.subscribe(),
            condition: condition.subscribe(),
        };
        (
            Self {
                pool,
                follower,
                wake: wake.subscribe(),
                recent: wake.recent(),
                position,
                condition,
                warm,
                batch: BATCH,
                known: None,
                passed: 0,
                looked_around: Instant::now(),
                moved: Instant::now(),
                kept: (0, Instant::now()),
                ahead: None,
                recovering: true,
                loader,
            },
            progress,
        )
    }

    /// From how many events on to load a projection that can be, and how many to hold then, at the most.
    #[must_use]
    pub fn loading_from(mut self, events: i64) -> Self {
        self.loader.load_from(events);
        self
    }

    /// Takes the place of a new follower, or of a new version of one: a reactor's work is from now on what is appended
    /// from now on, however late its turn comes, and an older version leaves the log to this one. To be called before
    /// the first append that it must not miss.
    pub async fn take_place(&self) -> Result<(), sqlx::Error> {
        let (name, version) = (self.follower.name(), self.follower.version());
        let mut tx = self.pool.begin().await?;
        if checkpoint::newest_version(&mut *tx, name).await? < Some(version) {
            self.begin(&mut tx).await?;
        }
        tx.commit().await
    }

    /// Follows the log until told to stop, or until an event stops it.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let stopping = async move {
            // A dropped sender means the process is going down, too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::pin!(stopping);
        let mut lease: Option<Lease> = None;
        loop {
            let pause = tokio::select! {
                () = &mut stopping => break,
                pause = self.turn(&mut lease) => pause,
            };
            match pause {
                Pause::None => {}
                Pause::UntilWoken(position) => {
                    let woken = tokio::time::timeout(POLL, self.wake.wait_for(|head| *head > position));
                    let woken = tokio::select! {
                        () = &mut stopping => break,
                        woken = woken => matches!(woken, Ok(Ok(_))),
                    };
                    if !woken {
                        self.known = None;
                    }
                }
                Pause::Passing(position) => tokio::select! {
                    () = &mut stopping => break,
                    // Whether there is news or not, there is something to do.
                    _ = tokio::time::timeout(step::PASSING, self.wake.wait_for(|head| *head > position)) => {}
                },
                Pause::Gathering(pause) => tokio::select! {
                    () = &mut stopping => break,
                    () = gather(pause) => {}
                },
                Pause::UntilPoll => tokio::select! {
                    () = &mut stopping => break,
                    () = look_later() => {}
                },
                Pause::ForEver => {
                    if let Some(lease) = lease.take() {
                        lease.release().await;
                    }
                    stopping.await;
                    return;
                }
            }
        }
        if let Some(lease) = lease {
            lease.release().await;
        }
    }

    /// Applies whatever there is now, without a lease; for tests and tools that drive a follower by hand.
    pub async fn catch_up(&mut self) -> Result<i64, ApplyError> {
        loop {
            match self.step().await {
                Ok(Step::Moved(_) | Step::Underway) => {}
                Ok(Step::LoadedElsewhere) => look_later().await,
                Ok(Step::Idle(position)) => return Ok(position),
                Ok(Step::Outdated) => return Ok(*self.position.borrow()),
                Err(StepError::Lost(error)) => return Err(error.into()),
                Err(StepError::Refused { error, .. }) => return Err(error),
            }
        }
    }

    async fn turn(&mut self, lease: &mut Option<Lease>) -> Pause {
        let turn = tokio::time::timeout(TURN, self.try_turn(lease)).await;
        match turn.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))) {
            Ok(pause) => pause,
            Err(error) => {
                let text = error.to_string();
                tracing::warn!(follower = self.follower.name(), error = text, "follower lost the database");
                self.condition.send_replace(Condition::Struggling(text));
                *lease = None;
                // What was read ahead comes by a connection that may be as dead; and a crash of the database may have
                // taken back what this process thought was applied.
                (self.known, self.ahead) = (None, None);
                self.recent.forget();
                self.position.send_replace(0);
                // Rows that were taken from it may not have been written.
                self.loader.give_up();
                // Not woken by an append: if the database answers badly, appends do not make it better.
                Pause::UntilPoll
            }
        }
    }

    async fn try_turn(&mut self, lease: &mut Option<Lease>) -> Result<Pause, sqlx::Error> {
        if lease.as_ref().is_none_or(|held| !held.alive()) {
            *lease = None;
            *lease = Lease::take_if_free(&self.pool, self.follower.name()).await?;
            // The one before may have gone with its database, and with that the last of the log.
            self.recent.forget();
        }
        if lease.is_none() {
            return self.stand_by().await;
        }
        if self.looked_around.elapsed() > POLL {
            // Others may have moved the checkpoint, or a newer version may have begun.
            (self.looked_around, self.known) = (Instant::now(), None);
        }
        // Before the log is read: what is heard of while it is read may not have been seen.
        let heard = *self.wake.borrow();
        let begun = Instant::now();
        match self.step().await {
            Ok(Step::Moved(position)) => {
                let events = position - self.position.send_replace(position);
                self.moved_to(position);
                let all = self.ahead.is_none() && self.batch == BATCH && (1..BATCH).contains(&events);
                let busy = std::mem::replace(&mut self.moved, Instant::now()).elapsed()
                    < self.follower.pace().longest() + RESTLESS;
                let passing = self.known.is_some_and(|known| known < self.passed);
                Ok(match self.follower.pace() {
                    _ if !all => Pause::None,
                    Pace::Prompt if passing => Pause::Passing(position),
                    pace if busy || passing => Pause::Gathering(pace.pause(begun.elapsed())),
                    // Whatever came meanwhile was heard of.
                    _ => Pause::UntilWoken(position),
                })
            }
            Ok(Step::Underway) => Ok(Pause::None),
            Ok(Step::LoadedElsewhere) => Ok(Pause::UntilPoll),
            Ok(Step::Idle(position)) => {
                self.moved_to(position);
                // There is nothing up to what was heard of, if that was too much.
                Ok(Pause::UntilWoken(position.max(heard)))
            }
            Ok(Step::Outdated) => {
                if let Some(lease) = lease.take() {
                    lease.release().await;
                }
                self.stand_by().await
            }
            Err(StepError::Lost(error)) => Err(error),
            Err(StepError::Refused { events, error }) => self.refused(&events, &error).await,
        }
    }

    /// Somebody else follows; what they have reached is in the checkpoint.
    async fn stand_by(&mut self) -> Result<Pause, sqlx::Error> {
        self.condition.send_replace(Condition::StandingBy);
        self.loader.give_up();
        let position = checkpoint::read(&self.pool, self.follower.name(), self.follower.version()).await?;
        self.position.send_replace(position.unwrap_or(0));
        Ok(Pause::UntilPoll)
    }

    fn moved_to(&mut self, position: i64) {
        self.position.send_replace(position);
        self.condition.send_if_modified(|condition| {
            let news = *condition != Condition::Following;
            *condition = Condition::Following;
            news
        });
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        metrics::gauge!("mobid_follower_position", "follower" => self.follower.name()).set(position as f64);
    }

    /// A batch was refused: look for the event, one at a time; if this is the one, stop and say so.
    async fn refused(&mut self, events: &[i64], error: &ApplyError) -> Result<Pause, sqlx::Error> {
        if let [position] = events {
            let (name, version) = (self.follower.name(), self.follower.version());
            let text = error.to_string();
            tracing::error!(follower = name, position, error = text, "follower stopped at an event");
            failure::record(&self.pool, name, version, *position, &text).await?;
            self.condition.send_replace(Condition::Stopped { position: *position, error: text });
            return Ok(Pause::ForEver);
        }
        self.batch = 1;
        Ok(Pause::None)
    }
}

enum Pause {
    None,
    /// Until the log is past this position.
    UntilWoken(i64),
    /// The same, but not for long: the checkpoint has yet to move there.
    Passing(i64),
    /// A moment, in which more comes.
    Gathering(Duration),
    UntilPoll,
    ForEver,
}

#[expect(clippy::disallowed_methods, reason = "a pace, not a time that matters")]
async fn gather(pause: Duration) {
    tokio::time::sleep(pause).await;
}

#[expect(clippy::disallowed_methods, reason = "the pace of looking at the database, not a time that matters")]
pub(super) async fn look_later() {
    tokio::time::sleep(POLL).await;
}
