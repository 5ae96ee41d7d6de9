//! The two kinds of followers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mobid_domain::recorded::{Recorded, Undecodable};
use sqlx::PgConnection;

use crate::stream::checkpoint::{Move, Moved};
use crate::stream::load::Load;

/// How long a batch waits for more while much comes: longer costs less, and is how much later its rows show what happened.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Somebody waits for these rows: as long as the last batch took, so that half of the time is for others, and a few
    /// milliseconds at the most.
    Prompt,
    /// Followers that each took at once what every commit brought would keep the database busier than the appends do.
    /// Work that is done this much later under load is not late.
    Unhurried,
}

impl Pace {
    /// The pause after a batch that took so long.
    pub fn pause(self, took: Duration) -> Duration {
        match self {
            Self::Prompt => took.min(self.longest()),
            Self::Unhurried => self.longest(),
        }
    }

    pub fn longest(self) -> Duration {
        match self {
            Self::Prompt => Duration::from_millis(4),
            Self::Unhurried => Duration::from_millis(25),
        }
    }
}

/// Writes rows that can be thrown away and made again from the log.
#[async_trait]
pub trait Projection: Send + Sync {
    fn name(&self) -> &'static str;

    /// A new version starts from the first event, on empty tables.
    fn version(&self) -> i32;

    /// Whether an event matters to it: a batch in which none does may not be shown to it.
    fn concerns(&self, _event: &Recorded) -> bool {
        true
    }

    /// Applies events in order. They come once each, but for a rebuild.
    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError>;

    /// The same and the move of its checkpoint in one statement, which commits on its own; `None` if it has no such
    /// statement. Its rows show what happened as much sooner as it saves round trips.
    async fn apply_and_move(
        &self,
        _conn: &mut PgConnection,
        _events: &[Arc<Recorded>],
        _step: Move,
    ) -> Result<Option<Moved>, ApplyError> {
        Ok(None)
    }

    /// Empties its tables.
    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error>;

    fn pace(&self) -> Pace {
        Pace::Unhurried
    }

    /// How its rows are made from a long log, if there is a faster way than to apply every event.
    fn load(&self) -> Option<Load> {
        None
    }
}

/// Only inserts work and is never replayed: a new one starts at the log's head, a new version of one where the version
/// before it is.
#[async_trait]
pub trait Reactor: Send + Sync {
    fn name(&self) -> &'static str;

    fn version(&self) -> i32;

    /// Whether work may follow from an event: a batch without one may not be shown to it.
    fn concerns(&self, _event: &Recorded) -> bool {
        true
    }

    /// Inserts the work that follows from events, in order.
    async fn react(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError>;
}

/// Either kind, for the runner.
pub enum Follower {
    Projection(Box<dyn Projection>),
    Reactor(Box<dyn Reactor>),
}

impl Follower {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Projection(projection) => projection.name(),
            Self::Reactor(reactor) => reactor.name(),
        }
    }

    pub fn version(&self) -> i32 {
        match self {
            Self::Projection(projection) => projection.version(),
            Self::Reactor(reactor) => reactor.version(),
        }
    }

    pub fn concerns(&self, event: &Recorded) -> bool {
        match self {
            Self::Projection(projection) => projection.concerns(event),
            Self::Reactor(reactor) => reactor.concerns(event),
        }
    }

    pub fn pace(&self) -> Pace {
        match self {
            Self::Projection(projection) => projection.pace(),
            Self::Reactor(_) => Pace::Unhurried,
        }
    }
}

/// Why a batch could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    #[error("position {position}: {aggregate_id} is at {found}, so {sequence} cannot follow")]
    OutOfSequence { position: i64, aggregate_id: String, sequence: i64, found: i64 },
    #[error("a row of the read model does not decode: {0}")]
    Row(#[from] serde_json::Error),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
