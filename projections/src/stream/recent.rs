//! What was read of the log lately, for all followers in a process: at the log's head each wants the same events at the
//! same time, and one reads them for all.
//!
//! Positions have no gaps and events never change, so what was read once is right for whoever asks for it again.

use std::collections::VecDeque;
use std::sync::Arc;

use mobid_domain::recorded::Recorded;
use tokio::sync::Mutex;

use super::reader;
use super::warm::Warm;

/// Bytes of payload and metadata that are kept at the most, but for one read.
const BYTES: usize = 8 << 20;

/// Shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<Stretch>>);

/// A stretch of the log.
#[derive(Debug, Default)]
struct Stretch {
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
}

impl Recent {
    /// Up to `limit` events after a position.
    pub async fn after(
        &self,
        warm: &Warm,
        position: i64,
        limit: i64,
    ) -> Result<Vec<Arc<Recorded>>, sqlx::Error> {
        // Held while the log is read: whoever wants the same finds it then.
        let mut stretch = self.0.lock().await;
        let known = stretch.after(position, limit);
        if !known.is_empty() {
            return Ok(known);
        }
        let mut conn = warm.take().await?;
        let events = reader::after(&mut conn, position, limit).await?;
        warm.keep(conn);
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        stretch.take(position, &events);
        Ok(events)
    }

    /// Forgets everything: another database may answer from now on, which never had the last of it.
    pub async fn forget(&self) {
        *self.0.lock().await = Stretch::default();
    }
}

impl Stretch {
    /// What comes right after a position, if it is here.
    fn after(&self, position: i64, limit: i64) -> Vec<Arc<Recorded>> {
        let Some(first) = self.events.front() else { return vec![] };
        let (Ok(start), Ok(limit)) = (usize::try_from(position + 1 - first.position), usize::try_from(limit))
        else {
            return vec![];
        };
        self.events.iter().skip(start).take(limit).cloned().collect()
    }

    /// Takes what was read after a position, if it goes on from here or further; who is behind is not to push out what
    /// the others are about to ask for.
    fn take(&mut self, position: i64, read: &[Arc<Recorded>]) {
        let last = self.events.back().map_or(0, |event| event.position);
        if position < last {
            return;
        }
        if position > last {
            *self = Self::default();
        }
        self.bytes += read.iter().map(|event| bytes(event)).sum::<usize>();
        self.events.extend(read.iter().cloned());
        while self.bytes > BYTES
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= bytes(&oldest);
        }
    }
}

fn bytes(event: &Recorded) -> usize {
    event.payload.len() + event.metadata.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(positions: std::ops::RangeInclusive<i64>, payload: &str) -> Vec<Arc<Recorded>> {
        let event =
            |position| Arc::new(Recorded { position, payload: payload.to_owned(), ..Recorded::default() });
        positions.map(event).collect()
    }

    fn after(stretch: &Stretch, position: i64) -> Vec<i64> {
        stretch.after(position, 100).iter().map(|event| event.position).collect()
    }

    #[test]
    fn who_is_slower_gets_at_once_what_the_quicker_ones_read_bit_by_bit() {
        let mut stretch = Stretch::default();
        for position in 11..=20 {
            stretch.take(position - 1, &events(position..=position, ""));
        }
        assert_eq!(after(&stretch, 10), (11..=20).collect::<Vec<_>>());
        assert_eq!(after(&stretch, 18), [19, 20]);
        assert!(after(&stretch, 20).is_empty());
        assert!(after(&stretch, 9).is_empty(), "what comes first is not here");
    }

    #[test]
    fn there_is_never_a_gap_and_never_too_much() {
        let mut stretch = Stretch::default();
        stretch.take(10, &events(11..=20, ""));
        stretch.take(5, &events(6..=15, ""));
        assert_eq!(after(&stretch, 10), (11..=20).collect::<Vec<_>>());
        stretch.take(30, &events(31..=32, ""));
        assert_eq!((after(&stretch, 10), after(&stretch, 30)), (vec![], vec![31, 32]));
        let large = "x".repeat(BYTES / 2);
        stretch.take(32, &events(33..=34, &large));
        stretch.take(34, &events(35..=35, &large));
        assert_eq!((after(&stretch, 31), after(&stretch, 33)), (vec![], vec![34, 35]));
    }
}
