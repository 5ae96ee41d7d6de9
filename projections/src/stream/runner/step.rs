//! One step of a follower: what comes next of the log, applied together with its checkpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mobid_domain::recorded::Recorded;
use sqlx::{Executor, PgConnection};

use super::{BATCH, Runner};
use crate::projection::{ApplyError, Follower};
use crate::stream::ahead::{self, Ahead};
use crate::stream::checkpoint::{self, Move, Moved};
use crate::stream::loader::Turn;
use crate::stream::{failure, reader};

/// Events a transaction takes at the most after one that failed in a batch went in alone.
const CAUTIOUS: i64 = 64;
/// How long a checkpoint may stay behind while nothing concerns its follower, a pause more or less: other instances see
/// only that.
pub(super) const PASSING: Duration = Duration::from_millis(50);

/// What came of one step.
pub(super) enum Step {
    /// It applied up to this position, and there may be more.
    Moved(i64),
    /// It is busy with something that moves no checkpoint yet.
    Underway,
    /// Somebody else loads the rows.
    LoadedElsewhere,
    /// There was nothing after this position.
    Idle(i64),
    /// A newer version follows this log.
    Outdated,
}

/// Why a step failed, and at which event if that is known.
pub(super) enum StepError {
    Lost(sqlx::Error),
    Refused { events: Vec<i64>, error: ApplyError },
}

impl From<sqlx::Error> for StepError {
    fn from(error: sqlx::Error) -> Self {
        Self::Lost(error)
    }
}

impl Runner {
    /// One batch and its checkpoint, in one transaction.
    pub(super) async fn step(&mut self) -> Result<Step, StepError> {
        let stepped = self.try_step().await;
        if !matches!(stepped, Ok(Step::Moved(_) | Step::Underway | Step::Idle(_))) {
            (self.known, self.ahead) = (None, None);
        }
        if stepped.is_err() {
            self.loader.give_up();
        }
        stepped
    }

    async fn try_step(&mut self) -> Result<Step, StepError> {
        let from = match self.known {
            Some(position) => position,
            None => match self.find_place().await? {
                Some(position) => {
                    // Whoever had the place meanwhile may have left a failure on record.
                    self.recovering = true;
                    if position != self.kept.0 {
                        self.loader.look_at_indexes();
                    }
                    if position < self.kept.0 {
                        // It may be another database that answers now, and what is known be of one that is lost.
                        self.recent.forget();
                    }
                    self.kept.0 = position;
                    // What comes after another place may concern it.
                    self.passed = position;
                    *self.known.insert(position)
                }
                None => return Ok(Step::Outdated),
            },
        };
        if let Some(step) = self.load(from).await? {
            return Ok(step);
        }
        let events = self.read(self.passed).await?;
        let last = events.last().map_or(self.passed, |event| event.position);
        if last == from {
            return Ok(Step::Idle(from));
        }
        let concerned = events.iter().any(|event| self.follower.concerns(event));
        if !events.is_empty() && !concerned && self.kept.1.elapsed() < PASSING {
            self.passed = last;
            return Ok(Step::Moved(last));
        }
        let mut conn = self.warm.take().await?;
        let step = self.apply(&mut conn, from, last, &events).await?;
        self.warm.keep(conn);
        Ok(match step {
            Step::Moved(at) if events.is_empty() => Step::Idle(at),
            step => step,
        })
    }

    /// Applies events that come after `from` and end at `last`. A connection that this fails on is dropped, and with it
    /// the transaction.
    async fn apply(
        &mut self,
        conn: &mut PgConnection,
        from: i64,
        last: i64,
        events: &[Arc<Recorded>],
    ) -> Result<Step, StepError> {
        let step = Move { name: self.follower.name(), version: self.follower.version(), from, to: last };
        let moved = match self.at_once(conn, step, events).await? {
            Some(moved) => moved,
            None => self.in_transaction(conn, step, events).await?,
        };
        match moved {
            Moved::Yes => {
                (self.known, self.passed, self.kept) = (Some(last), last, (last, Instant::now()));
                self.recovering = self.batch == 1;
                self.batch = if self.batch == 1 { CAUTIOUS } else { BATCH };
                Ok(Step::Moved(last))
            }
            Moved::Elsewhere => {
                (self.known, self.ahead) = (None, None);
                Ok(Step::Moved(*self.position.borrow()))
            }
            Moved::Outdated => Ok(Step::Outdated),
        }
    }

    /// The short way of a projection that has one. What it read before the checkpoint moved counts only if that did
    /// move; so where it finds something wrong, the transaction tells whether it is.
    async fn at_once(
        &self,
        conn: &mut PgConnection,
        step: Move,
        events: &[Arc<Recorded>],
    ) -> Result<Option<Moved>, sqlx::Error> {
        let Follower::Projection(projection) = &self.follower else { return Ok(None) };
        if self.recovering {
            return Ok(None);
        }
        match projection.apply_and_move(conn, events, step).await {
            Ok(moved) => Ok(moved),
            Err(error) => failure::lost(error).map_or(Ok(None), Err),
        }
    }

    async fn in_transaction(
        &self,
        conn: &mut PgConnection,
        step: Move,
        events: &[Arc<Recorded>],
    ) -> Result<Moved, StepError> {
        let moved = checkpoint::begin_and_move(conn, self.beginning(), step).await?;
        if moved != Moved::Yes {
            conn.execute("rollback").await?;
            return Ok(moved);
        }
        let applied = match &self.follower {
            Follower::Projection(projection) => projection.apply(conn, events).await,
            Follower::Reactor(reactor) => reactor.react(conn, events).await,
        };
        applied.map_err(|error| classify(error, events))?;
        if self.recovering {
            failure::clear(&mut *conn, step.name, step.version, step.to).await?;
        }
        conn.execute("commit").await?;
        Ok(moved)
    }

    /// Loads the rows of a projection that is at the beginning of a long log; `None` if there is nothing of that to do.
    async fn load(&mut self, from: i64) -> Result<Option<Step>, StepError> {
        let Follower::Projection(projection) = &self.follower else { return Ok(None) };
        Ok(match self.loader.turn(projection.as_ref(), from).await? {
            Turn::Nothing => None,
            Turn::Underway => Some(Step::Underway),
            Turn::Doubtful => {
                self.known = None;
                Some(Step::Underway)
            }
            Turn::Elsewhere => Some(Step::LoadedElsewhere),
            Turn::Loaded(position) => {
                (self.known, self.passed, self.kept.0) = (Some(position), position, position);
                Some(Step::Moved(position))
            }
        })
    }

    /// The events after a position: a batch, or, where there are more than that, chunks that are read ahead.
    async fn read(&mut self, from: i64) -> Result<Vec<Arc<Recorded>>, sqlx::Error> {
        if let Some(ahead) = self.ahead.as_mut().filter(|ahead| self.batch == BATCH && ahead.is_at(from))
            && let Some(events) = ahead.next().await?
        {
            return Ok(events.into_iter().map(Arc::new).collect());
        }
        self.ahead = None;
        if self.batch != BATCH {
            let events = reader::after(&self.pool, from, self.batch).await?;
            return Ok(events.into_iter().map(Arc::new).collect());
        }
        let events = self.recent.after(&self.warm, from, BATCH).await?;
        if let Some(last) = events.last().filter(|_| i64::try_from(events.len()) == Ok(BATCH)) {
            let options = self.pool.connect_options().as_ref().clone();
            self.ahead = Some(Ahead::after(last.position, ahead::CHUNK, options));
        }
        Ok(events)
    }

    /// What a crash takes away of a projection is read again from the log; a reactor's work is not to be lost.
    fn beginning(&self) -> &'static str {
        match self.follower {
            Follower::Projection(_) => "begin; set local synchronous_commit = off",
            Follower::Reactor(_) => "begin",
        }
    }

    /// Where the checkpoint is, made now if there is none; `None` if a newer version follows the log.
    async fn find_place(&self) -> Result<Option<i64>, sqlx::Error> {
        let (name, version) = (self.follower.name(), self.follower.version());
        let mut tx = self.pool.begin().await?;
        let known = checkpoint::lock(&mut tx, name, version).await?;
        if checkpoint::newest_version(&mut *tx, name).await? > Some(version) {
            return Ok(None);
        }
        let position = match known {
            Some(position) => position,
            None => self.begin(&mut tx).await?,
        };
        tx.commit().await?;
        Ok(Some(position))
    }

    /// The first start of this version: a projection from nothing, a reactor from where an older version was, or from
    /// now on. An older version is between two batches then, and sees ours before its next.
    pub(super) async fn begin(&self, tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
        let (name, version) = (self.follower.name(), self.follower.version());
        let older = checkpoint::lock_older(tx, name, version).await?;
        let position = match (&self.follower, older) {
            (Follower::Projection(_), _) => 0,
            (Follower::Reactor(_), Some(position)) => position,
            (Follower::Reactor(_), None) => reader::head(&mut *tx).await?,
        };
        if checkpoint::start(tx, name, version, position).await?
            && let Follower::Projection(projection) = &self.follower
        {
            projection.reset(tx).await?;
        }
        Ok(position)
    }
}

/// What went wrong, and which events it may be the fault of.
fn classify(error: ApplyError, events: &[Arc<Recorded>]) -> StepError {
    match failure::lost(error) {
        Ok(lost) => StepError::Lost(lost),
        Err(error) => {
            StepError::Refused { events: events.iter().map(|event| event.position).collect(), error }
        }
    }
}
