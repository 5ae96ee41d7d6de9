//! What was read of the log lately, for all followers in a process: at the log's head each wants the same events at the
//! same time, and one reads them for all.
//!
//! Positions have no gaps and events never change, so what was read once is right for whoever asks for it again.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use mobid_domain::recorded::Recorded;
use sqlx::PgPool;
use tokio::sync::Mutex;

use super::reader;

/// Bytes of payload and metadata that are kept at the most, but for one chunk.
const BYTES: usize = 8 << 20;

/// Shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<VecDeque<Arc<Vec<Recorded>>>>>);

/// Events in order, from somewhere in what was read together.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    events: Arc<Vec<Recorded>>,
    start: usize,
}

impl Deref for Chunk {
    type Target = [Recorded];
    fn deref(&self) -> &[Recorded] {
        &self.events[self.start..]
    }
}

impl From<Vec<Recorded>> for Chunk {
    fn from(events: Vec<Recorded>) -> Self {
        Self { events: Arc::new(events), start: 0 }
    }
}

impl Recent {
    /// Up to `limit` events after a position.
    pub async fn after(&self, pool: &PgPool, position: i64, limit: i64) -> Result<Chunk, sqlx::Error> {
        // Held while the log is read: whoever wants the same finds it then.
        let mut chunks = self.0.lock().await;
        if let Some(chunk) = chunks.iter().find_map(|events| from(events, position)) {
            return Ok(chunk);
        }
        let chunk = Chunk::from(reader::after(pool, position, limit).await?);
        // One that is behind is not to push out what the others are about to ask for.
        if last(&chunk) > chunks.back().map_or(0, |newest| last(newest)) {
            chunks.push_back(chunk.events.clone());
            while chunks.len() > 1 && chunks.iter().map(|events| bytes(events)).sum::<usize>() > BYTES {
                chunks.pop_front();
            }
        }
        Ok(chunk)
    }

    /// Forgets everything: another database may answer from now on, which never had the last of it.
    pub async fn forget(&self) {
        self.0.lock().await.clear();
    }
}

/// What of these comes after a position, if nothing between is missing.
fn from(events: &Arc<Vec<Recorded>>, position: i64) -> Option<Chunk> {
    let start = usize::try_from(position + 1 - events.first()?.position).ok()?;
    (start < events.len()).then(|| Chunk { events: events.clone(), start })
}

fn last(events: &[Recorded]) -> i64 {
    events.last().map_or(0, |event| event.position)
}

fn bytes(events: &[Recorded]) -> usize {
    events.iter().map(|event| event.payload.len() + event.metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(positions: std::ops::RangeInclusive<i64>) -> Arc<Vec<Recorded>> {
        let event = |position| Recorded {
            position,
            event_id: uuid::Uuid::nil(),
            tenant: String::new(),
            aggregate_type: String::new(),
            aggregate_id: String::new(),
            sequence: 1,
            event_type: String::new(),
            event_version: String::new(),
            payload: String::new(),
            metadata: String::new(),
            recorded_at: chrono::DateTime::UNIX_EPOCH,
        };
        Arc::new(positions.map(event).collect())
    }

    #[test]
    fn a_chunk_goes_on_where_somebody_is_and_skips_nothing() {
        let chunk = events(11..=20);
        let positions = |after| {
            from(&chunk, after).map(|chunk| chunk.iter().map(|event| event.position).collect::<Vec<_>>())
        };
        assert_eq!(positions(10), Some((11..=20).collect()));
        assert_eq!(positions(18), Some(vec![19, 20]));
        assert_eq!(positions(20), None);
        assert_eq!(positions(9), None, "what comes first is not here");
    }
}
