//! When the rows of a projection are loaded instead of followed, by whom, and what a load leaves to be done.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinSet;

use super::load::{self, Load, Loaded, Loading};
use super::{failure, reader, set_aside};
use crate::projection::Projection;

/// From so many events on, a projection that can be loaded is, rather than taken through them.
pub const LOAD_FROM: i64 = 50_000;
/// How long a turn waits for indexes: making them takes longer than a turn may.
const INDEXING: Duration = Duration::from_secs(1);

/// One projection's loads in one process.
pub struct Loader {
    pool: PgPool,
    /// From how many events on to load; `None` once that did not work out.
    from: Option<i64>,
    loading: Option<Loading>,
    /// Somebody else loads, or did a moment ago.
    elsewhere: bool,
    /// No index of the projection's table is missing.
    indexed: bool,
    indexing: Option<JoinSet<Result<(), sqlx::Error>>>,
}

/// What there was to do.
pub enum Turn {
    /// Nothing: the rows are there to be followed.
    Nothing,
    /// Something that moves no checkpoint yet.
    Underway,
    /// The same, and the checkpoint may be anywhere.
    Doubtful,
    /// Somebody else loads the rows.
    Elsewhere,
    /// The rows are there up to this position, and so is the checkpoint.
    Loaded(i64),
}

impl Loader {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, from: Some(LOAD_FROM), loading: None, elsewhere: false, indexed: false, indexing: None }
    }

    /// From how many events on to load, and how many to hold then, at the most.
    pub fn load_from(&mut self, events: i64) {
        self.from = Some(events);
    }

    /// Drops a load that is under way.
    pub fn give_up(&mut self) {
        self.loading = None;
    }

    /// Whoever moved the checkpoint may have left indexes to be made.
    pub fn look_at_indexes(&mut self) {
        self.indexed = false;
    }

    /// One step for a projection whose checkpoint is there.
    pub async fn turn(&mut self, projection: &dyn Projection, checkpoint: i64) -> Result<Turn, sqlx::Error> {
        let Some(load) = projection.load() else { return Ok(Turn::Nothing) };
        if self.loading.is_some() {
            return self.go_on(projection).await;
        }
        if self.elsewhere {
            let Some(free) = load::lease(&self.pool.connect_options(), projection.name()).await? else {
                return Ok(Turn::Elsewhere);
            };
            free.release().await;
            (self.elsewhere, self.indexed) = (false, false);
            return Ok(Turn::Doubtful);
        }
        if checkpoint == 0
            && let Some(from) = self.from
            && let head = reader::head(&self.pool).await?
            && head >= from
        {
            return self.begin(projection, load, head, from).await;
        }
        self.index(load).await
    }

    async fn begin(
        &mut self,
        projection: &dyn Projection,
        load: Load,
        head: i64,
        at_a_time: i64,
    ) -> Result<Turn, sqlx::Error> {
        let options = self.pool.connect_options();
        let Some(lease) = load::lease(&options, projection.name()).await? else {
            self.elsewhere = true;
            return Ok(Turn::Elsewhere);
        };
        self.indexed = false;
        self.loading = Loading::begin(&options, projection, load, lease, head, at_a_time).await?;
        Ok(if self.loading.is_some() { Turn::Underway } else { Turn::Doubtful })
    }

    async fn go_on(&mut self, projection: &dyn Projection) -> Result<Turn, sqlx::Error> {
        let Some(loading) = &mut self.loading else { return Ok(Turn::Underway) };
        let mut conn = self.pool.acquire().await?;
        match loading.step(&mut conn).await {
            Ok(Loaded::Some) => return Ok(Turn::Underway),
            Ok(Loaded::All(position)) => {
                self.loading = None;
                return Ok(Turn::Loaded(position));
            }
            Ok(Loaded::Overtaken) => {}
            Err(error) => match failure::lost(error) {
                Ok(lost) => return Err(lost),
                // Event by event it comes out which one it is, and everything before it is there.
                Err(_) => load::undo(&mut conn, projection).await?,
            },
        }
        (self.loading, self.from) = (None, None);
        Ok(Turn::Doubtful)
    }

    /// Makes the indexes that a load has set aside.
    async fn index(&mut self, load: Load) -> Result<Turn, sqlx::Error> {
        if self.indexed || !set_aside::any(&self.pool, load.table).await? {
            self.indexed = true;
            return Ok(Turn::Nothing);
        }
        let options = Arc::unwrap_or_clone(self.pool.connect_options());
        let indexing = self.indexing.get_or_insert_with(|| {
            let mut task = JoinSet::new();
            task.spawn(set_aside::restore(options, load.table));
            task
        });
        if let Ok(done) = tokio::time::timeout(INDEXING, indexing.join_next()).await {
            self.indexing = None;
            if let Some(Ok(restored)) = done {
                restored?;
            }
        }
        Ok(Turn::Underway)
    }
}
