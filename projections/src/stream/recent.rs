//! The newest of the log, for all followers in a process: what this process appended they need not read, and what
//! others did, one reads for all.
//!
//! Positions have no gaps and events never change, so what is known once is right for whoever asks for it again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mobid_domain::recorded::Recorded;

use super::reader;
use super::warm::Warm;

/// Bytes of payload and metadata that are kept at the most, but for one read.
const BYTES: usize = 8 << 20;

/// Shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stretch: Mutex<Stretch>,
    /// Held while the log is read: whoever wants the same finds it then.
    reading: tokio::sync::Mutex<()>,
}

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
        let known = self.stretch().after(position, limit);
        if !known.is_empty() {
            return Ok(known);
        }
        let _reading = self.0.reading.lock().await;
        let known = self.stretch().after(position, limit);
        if !known.is_empty() {
            return Ok(known);
        }
        let mut conn = warm.take().await?;
        let events = reader::after(&mut conn, position, limit).await?;
        warm.keep(conn);
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        self.stretch().was_read(position, &events);
        Ok(events)
    }

    /// Takes what was appended just now, in order.
    pub fn appended(&self, events: Vec<Arc<Recorded>>) {
        let mut stretch = self.stretch();
        for event in events {
            stretch.was_appended(event);
        }
    }

    /// Forgets everything: another database may answer from now on, which never had the last of it.
    pub fn forget(&self) {
        *self.stretch() = Stretch::default();
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.0.stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    /// What comes right after a position, if it is here.
    fn after(&self, position: i64, limit: i64) -> Vec<Arc<Recorded>> {
        let Some(first) = self.first() else { return vec![] };
        let (Ok(start), Ok(limit)) = (usize::try_from(position + 1 - first), usize::try_from(limit)) else {
            return vec![];
        };
        self.events.iter().skip(start).take(limit).cloned().collect()
    }

    /// Takes what was read after a position: instead of what is here if that is too far back, beside it if it meets it.
    /// Who is behind is not to push out what the others are about to ask for.
    fn was_read(&mut self, position: i64, read: &[Arc<Recorded>]) {
        let (Some(newest), Some(first)) = (read.last().map(|event| event.position), self.first()) else {
            return self.extend(read);
        };
        let last = self.last();
        if position > last {
            *self = Self::default();
            return self.extend(read);
        }
        if newest + 1 < first {
            return;
        }
        for event in read.iter().rev().skip_while(|event| event.position >= first) {
            self.bytes += bytes(event);
            self.events.push_front(event.clone());
        }
        let known = read.partition_point(|event| event.position <= last);
        self.extend(&read[known..]);
    }

    /// Takes an event if it goes on from here. If it does not, others appended meanwhile, and whoever is at the end of
    /// this stretch is about to read that.
    fn was_appended(&mut self, event: Arc<Recorded>) {
        if self.events.is_empty() || event.position == self.last() + 1 {
            self.extend(&[event]);
        }
    }

    fn extend(&mut self, events: &[Arc<Recorded>]) {
        self.bytes += events.iter().map(|event| bytes(event)).sum::<usize>();
        self.events.extend(events.iter().cloned());
        while self.bytes > BYTES
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= bytes(&oldest);
        }
    }

    fn first(&self) -> Option<i64> {
        self.events.front().map(|event| event.position)
    }

    fn last(&self) -> i64 {
        self.events.back().map_or(0, |event| event.position)
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
            stretch.was_read(position - 1, &events(position..=position, ""));
        }
        assert_eq!(after(&stretch, 10), (11..=20).collect::<Vec<_>>());
        assert_eq!(after(&stretch, 18), [19, 20]);
        assert!(after(&stretch, 20).is_empty());
        assert!(after(&stretch, 9).is_empty(), "what comes first is not here");
    }

    #[test]
    fn there_is_never_a_gap_and_never_too_much() {
        let mut stretch = Stretch::default();
        stretch.was_read(10, &events(11..=20, ""));
        stretch.was_read(5, &events(6..=15, ""));
        assert_eq!(after(&stretch, 10), (11..=20).collect::<Vec<_>>());
        stretch.was_read(30, &events(31..=32, ""));
        assert_eq!((after(&stretch, 10), after(&stretch, 30)), (vec![], vec![31, 32]));
        let large = "x".repeat(BYTES / 2);
        stretch.was_read(32, &events(33..=34, &large));
        stretch.was_read(34, &events(35..=35, &large));
        assert_eq!((after(&stretch, 31), after(&stretch, 33)), (vec![], vec![34, 35]));
    }

    #[test]
    fn what_was_appended_here_goes_on_from_what_is_known_and_leaves_no_gap() {
        let mut stretch = Stretch::default();
        let appended = |stretch: &mut Stretch, positions| {
            for event in events(positions, "") {
                stretch.was_appended(event);
            }
        };
        appended(&mut stretch, 11..=12);
        appended(&mut stretch, 13..=13);
        assert_eq!(after(&stretch, 10), [11, 12, 13]);
        appended(&mut stretch, 15..=16);
        assert_eq!(after(&stretch, 10), [11, 12, 13], "somebody else appended 14");
        stretch.was_read(13, &events(14..=15, ""));
        appended(&mut stretch, 15..=16);
        assert_eq!(after(&stretch, 10), (11..=16).collect::<Vec<_>>());
    }

    #[test]
    fn who_begins_further_back_reads_up_to_what_is_here() {
        let mut stretch = Stretch::default();
        stretch.was_read(20, &events(21..=22, ""));
        stretch.was_read(5, &events(6..=19, ""));
        assert_eq!((after(&stretch, 5), after(&stretch, 20)), (vec![], vec![21, 22]));
        stretch.was_read(17, &events(18..=20, ""));
        stretch.was_read(15, &events(16..=24, ""));
        assert_eq!(after(&stretch, 15), (16..=24).collect::<Vec<_>>());
    }
}
