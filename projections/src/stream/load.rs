//! Makes the rows of a projection from a long log aggregate by aggregate instead of event by event: each row is written
//! once, in the order of the key, into a table without its other indexes. Following the log from the first event costs
//! several times that.
//!
//! Promises: it takes place at checkpoint 0 only, and its last transaction moves the checkpoint to the position up to
//! which each row was made. Until then nothing is promised of the rows, and whoever comes after a crash begins again.
//! Each transaction holds the checkpoint's lock and finds it at 0 and the table's last row its own, or leaves the log
//! to whoever has been there. Rows that are ahead of the checkpoint do no harm then: what they have seen is passed
//! over. Reads are short statements of so many events, and as many are held at a time, however long the log is.

use mobid_domain::recorded::Recorded;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::copy_in::Rows;
use super::lease::Lease;
use super::{checkpoint, copy, failure, set_aside};
use crate::projection::{ApplyError, Projection};

/// Events read at a time, at the most: several chunks are under way at once, and more of them would not be faster.
const CHUNK: i64 = 2_500;
/// Events whose rows are written in one transaction: some megabytes, next to which its round trips do not count.
const WRITTEN: i64 = 5_000;
/// Or as soon as there are so many bytes of them.
const BYTES: usize = 8 << 20;
/// After so many transactions what they wrote is [settled](Loading::settle): while the database has it in its memory.
const UNSETTLED: u8 = 5;

/// How a projection that has at most one row for each aggregate, made of nothing but its events, is loaded.
#[derive(Clone, Copy)]
pub struct Load {
    pub aggregate_type: &'static str,
    pub table: &'static str,
    /// As [`Load::row`] writes them.
    pub columns: &'static str,
    /// Asks for the greatest id of an aggregate in the table.
    pub last: &'static str,
    /// Writes the row of an aggregate that has these events; they are as [`copy::of_type`] reads them.
    pub row: fn(&[Recorded], &mut Rows) -> Result<(), ApplyError>,
}

/// A load under way, until dropped.
pub struct Loading {
    load: Load,
    name: &'static str,
    version: i32,
    /// The log's head at the beginning.
    to: i64,
    /// The aggregate of the last row written.
    written: Option<String>,
    /// Transactions since rows were settled, and the block where those end.
    unsettled: u8,
    settled: i64,
    rows: mpsc::Receiver<Result<Rows, ApplyError>>,
    /// Keeps others from beginning the same: they would only start each other over.
    _lease: Lease,
    _workers: JoinSet<()>,
}

/// What came of one step.
pub enum Loaded {
    Some,
    /// The checkpoint is at this position now.
    All(i64),
    /// Somebody else has been there.
    Overtaken,
}

/// Holds whoever would begin or meet the load of a projection.
pub async fn lease(options: &PgConnectOptions, projection: &str) -> Result<Option<Lease>, sqlx::Error> {
    Lease::try_take(options, &format!("{projection} load")).await
}

impl Loading {
    /// Empties the table and begins, if the checkpoint is at 0. As many events are held at a time as `at_a_time` says.
    pub async fn begin(
        options: &PgConnectOptions,
        projection: &dyn Projection,
        load: Load,
        lease: Lease,
        to: i64,
        at_a_time: i64,
    ) -> Result<Option<Self>, sqlx::Error> {
        let (name, version) = (projection.name(), projection.version());
        let mut conn = options.connect().await?;
        let mut tx = conn.begin().await?;
        if !is_ours(&mut tx, name, version).await? {
            return Ok(None);
        }
        projection.reset(&mut tx).await?;
        set_aside::set_aside(&mut tx, load.table).await?;
        tx.commit().await?;
        // Without statistics the planner may think it cheaper to sort what is left of the log for each chunk.
        conn.execute(
            "set default_transaction_read_only = on; set enable_sort = off; set enable_seqscan = off; set jit = off",
        )
        .await?;
        let (read, chunks) = mpsc::channel(1);
        let (made, rows) = mpsc::channel(1);
        let (used, room) = mpsc::unbounded_channel();
        let mut workers = JoinSet::new();
        workers.spawn(async move {
            let limit = at_a_time.min(CHUNK);
            if let Err(error) = read_on(&mut conn, load.aggregate_type, to, limit, &read, room).await {
                // Nobody to tell: then nobody reads on.
                let _ = read.send(Err(error)).await;
            }
        });
        workers.spawn(make_rows(load, at_a_time.min(WRITTEN), chunks, used, made));
        Ok(Some(Self {
            load,
            name,
            version,
            to,
            written: None,
            unsettled: 0,
            settled: 0,
            rows,
            _lease: lease,
            _workers: workers,
        }))
    }

    /// Writes the next rows.
    pub async fn step(&mut self, conn: &mut PgConnection) -> Result<Loaded, ApplyError> {
        let rows = self.rows.recv().await.transpose()?;
        let mut tx = conn.begin().await?;
        sqlx::query!("set local synchronous_commit = off").execute(&mut *tx).await?;
        if !is_ours(&mut tx, self.name, self.version).await? || self.last(&mut tx).await? != self.written {
            return Ok(Loaded::Overtaken);
        }
        let Some(rows) = rows else {
            checkpoint::compare_and_set(&mut tx, self.name, self.version, 0, self.to).await?;
            failure::clear(&mut *tx, self.name, self.version, self.to).await?;
            tx.commit().await?;
            return Ok(Loaded::All(self.to));
        };
        if let Some(last) = rows.last().map(str::to_owned) {
            self.unsettled += 1;
            let settle = self.unsettled >= UNSETTLED;
            if settle {
                sqlx::query!("set local synchronous_commit = local").execute(&mut *tx).await?;
            }
            rows.send(&mut tx, &format!("{} ({})", self.load.table, self.load.columns)).await?;
            tx.commit().await?;
            self.written = Some(last);
            if settle {
                self.settle(conn).await?;
            }
        }
        Ok(Loaded::Some)
    }

    /// Reads what was written lately, once it is on disk that it was committed. Whoever reads a row first notes on its
    /// page that it is so. Where pages have checksums, that writes the whole page to the WAL again if a checkpoint has
    /// begun since the page was written: left to those who make the indexes, that took almost half of their time.
    async fn settle(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let blocks = sqlx::query_scalar!(
            r#"select pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint as "blocks!""#,
            self.load.table
        )
        .fetch_one(&mut *conn)
        .await?;
        let (table, from) = (self.load.table, self.settled);
        let read =
            format!("select count(*) from {table} where ctid >= '({from},0)' and ctid < '({blocks},0)'");
        conn.execute(read.as_str()).await?;
        // There is room on the last page.
        self.settled = (blocks - 1).max(0);
        self.unsettled = 0;
        Ok(())
    }

    async fn last(&self, conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar(self.load.last).fetch_one(conn).await
    }
}

/// Empties the table of a load that came to nothing, if nobody has gone on from there.
pub async fn undo(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    if is_ours(&mut tx, projection.name(), projection.version()).await? {
        projection.reset(&mut tx).await?;
    }
    tx.commit().await
}

/// Locks the checkpoint: whether it is at 0, and no newer version follows this log.
async fn is_ours(conn: &mut PgConnection, name: &str, version: i32) -> Result<bool, sqlx::Error> {
    let at = checkpoint::lock(conn, name, version).await?;
    Ok(at == Some(0) && checkpoint::newest_version(conn, name).await? == Some(version))
}

async fn read_on(
    conn: &mut PgConnection,
    aggregate_type: &str,
    to: i64,
    limit: i64,
    chunks: &mpsc::Sender<Result<Vec<Recorded>, sqlx::Error>>,
    mut room: mpsc::UnboundedReceiver<Vec<Recorded>>,
) -> Result<(), sqlx::Error> {
    let mut after: Option<(String, i64)> = None;
    loop {
        let mut chunk = room.try_recv().unwrap_or_default();
        copy::of_type(conn, aggregate_type, after.as_ref(), to, limit, &mut chunk).await?;
        let full = i64::try_from(chunk.len()) == Ok(limit);
        after = chunk.last().map(|event| (event.aggregate_id.clone(), event.sequence));
        if chunks.send(Ok(chunk)).await.is_err() || !full {
            return Ok(());
        }
    }
}

/// Rows of the aggregates as they end, of so many events at a time; chunks go back to be read into again.
async fn make_rows(
    load: Load,
    at_a_time: i64,
    mut chunks: mpsc::Receiver<Result<Vec<Recorded>, sqlx::Error>>,
    used: mpsc::UnboundedSender<Vec<Recorded>>,
    made: mpsc::Sender<Result<Rows, ApplyError>>,
) {
    let enough = usize::try_from(at_a_time).unwrap_or(usize::MAX);
    let mut open = Vec::new();
    let (mut rows, mut events) = (Rows::with_room(0), 0);
    while let Some(chunk) = chunks.recv().await {
        let added = chunk.map_err(ApplyError::from).and_then(|chunk| {
            add_rows(load, &mut open, &chunk, &mut rows)?;
            events += chunk.len();
            // The reader may have come to its end.
            let _ = used.send(chunk);
            Ok(())
        });
        let ended = added.is_err();
        if ended || events >= enough || rows.size() >= BYTES {
            events = 0;
            // As large as the ones before: to grow is to copy.
            let next = Rows::with_room(rows.size());
            let full = std::mem::replace(&mut rows, next);
            if made.send(added.map(|()| full)).await.is_err() || ended {
                return;
            }
        }
    }
    let rest = if open.is_empty() { Ok(()) } else { (load.row)(&open, &mut rows) };
    // Somebody has been there, if nobody waits for them.
    let _ = made.send(rest.map(|()| rows)).await;
}

/// The last aggregate of a chunk may go on in the next, so it stays open.
fn add_rows(
    load: Load,
    open: &mut Vec<Recorded>,
    chunk: &[Recorded],
    rows: &mut Rows,
) -> Result<(), ApplyError> {
    let mut aggregates = chunk.chunk_by(|one, next| one.aggregate_id == next.aggregate_id).peekable();
    while let Some(events) = aggregates.next() {
        if open.first().is_some_and(|first| first.aggregate_id != events[0].aggregate_id) {
            (load.row)(open, rows)?;
            open.clear();
        }
        if open.is_empty() && aggregates.peek().is_some() {
            (load.row)(events, rows)?;
        } else {
            open.extend_from_slice(events);
        }
    }
    Ok(())
}
