//! Reads the next chunk of the log while the last one is being worked on.
//!
//! Promises: no more than two chunks are held beside the one that was handed out, and none of them is older than the
//! moment it was read, which does not matter: what is in the log stays as it is.

use mobid_domain::recorded::Recorded;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::copy;

/// Events in a chunk: enough that what a chunk costs by itself does not count, few enough to hold several.
pub const CHUNK: i64 = 10_000;

/// Events in the first chunk, of which it is not known yet how large they are.
const FIRST: i64 = 1_000;
/// Bytes of payload and metadata in a chunk, if its events are as large as those before.
const BYTES: usize = 16 << 20;

/// A reader with a connection of its own, until dropped.
#[derive(Debug)]
pub struct Ahead {
    chunks: mpsc::Receiver<Result<Vec<Recorded>, sqlx::Error>>,
    used: mpsc::UnboundedSender<Vec<Recorded>>,
    /// Where the next chunk begins.
    after: i64,
    _reader: JoinSet<()>,
}

impl Ahead {
    /// Begins to read after a position, so many events at a time, up to the first chunk that is not full.
    pub fn after(position: i64, chunk: i64, options: PgConnectOptions) -> Self {
        let (sender, chunks) = mpsc::channel(1);
        let (used, room) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            if let Err(error) = read(position, chunk, &options, &sender, room).await {
                // Nobody to tell: then nobody reads on.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { chunks, used, after: position, _reader: reader }
    }

    /// Whether the next chunk begins after this position.
    pub fn is_at(&self, position: i64) -> bool {
        self.after == position
    }

    /// The next chunk; `None` after one that was not full.
    pub async fn next(&mut self) -> Result<Option<Vec<Recorded>>, sqlx::Error> {
        let Some(chunk) = self.chunks.recv().await.transpose()? else { return Ok(None) };
        if let Some(last) = chunk.last() {
            self.after = last.position;
        }
        Ok(Some(chunk))
    }

    /// Takes back a chunk that is done with, for a later one to be read into: much is saved by not asking for room for
    /// each event's texts, and giving it back on another thread.
    pub fn take_back(&self, chunk: Vec<Recorded>) {
        // The reader may have come to its end.
        let _ = self.used.send(chunk);
    }
}

async fn read(
    mut after: i64,
    limit: i64,
    options: &PgConnectOptions,
    chunks: &mpsc::Sender<Result<Vec<Recorded>, sqlx::Error>>,
    mut room: mpsc::UnboundedReceiver<Vec<Recorded>>,
) -> Result<(), sqlx::Error> {
    let mut conn = options.connect().await?;
    // Without statistics the planner may think it cheaper to sort what is left of the log for each chunk.
    conn.execute("set default_transaction_read_only = on; set enable_sort = off").await?;
    // Events may be large: how many go into a chunk follows from those of the one before.
    let mut count = limit.min(FIRST);
    loop {
        let mut chunk = room.try_recv().unwrap_or_default();
        copy::chunk(&mut conn, after, count, &mut chunk).await?;
        let full = i64::try_from(chunk.len()) == Ok(count);
        after = chunk.last().map_or(after, |event| event.position);
        let bytes: usize = chunk.iter().map(|event| event.payload.len() + event.metadata.len()).sum();
        let fit = i64::try_from(BYTES / (bytes / chunk.len().max(1)).max(1)).unwrap_or(limit);
        count = fit.clamp(1, limit);
        if chunks.send(Ok(chunk)).await.is_err() || !full {
            return Ok(());
        }
    }
}
