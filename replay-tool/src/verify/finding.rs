//! What can be wrong, one line each.

use std::io;

use chrono::{DateTime, Utc};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::output;

/// Names and fields are what scripts rely on: they are added to, not changed.
#[derive(Debug, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Finding<'a> {
    /// A follower has applied what the log does not hold: its end was cut off, or it was restored from a backup.
    CheckpointBeyondLog {
        follower: &'a str,
        checkpoint: i64,
        head: i64,
    },
    PositionsMissing {
        from: i64,
        to: i64,
    },
    /// Recorded before its predecessor was.
    TimeBackwards {
        position: i64,
        recorded_at: DateTime<Utc>,
        previous: DateTime<Utc>,
    },
    UnknownAggregateType {
        position: i64,
        aggregate_type: &'a str,
        aggregate_id: &'a str,
    },
    UnreadableEvent {
        position: i64,
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        reason: String,
    },
    UnreadableMetadata {
        position: i64,
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        reason: String,
    },
    /// A sequence is not its predecessor's plus one.
    SequenceGap {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        position: i64,
        sequence: i64,
        expected: i64,
    },
    /// Later in the aggregate, but earlier in the log.
    OrderReversed {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        position: i64,
        previous: i64,
    },
    TenantChanged {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        position: i64,
    },
    /// Its events do not make a state.
    DoesNotFold {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        reason: String,
    },
    /// The projection applied the aggregate's first event and has no row of it.
    RowMissing {
        projection: &'a str,
        id: &'a str,
        first_position: i64,
        checkpoint: i64,
    },
    /// The projection passed an event of the aggregate that its row does not know.
    RowStale {
        projection: &'a str,
        id: &'a str,
        row_position: i64,
        missed_position: i64,
        checkpoint: i64,
    },
    /// These columns are not what the log says as of the row's position.
    RowDiffers {
        projection: &'a str,
        id: &'a str,
        row_position: i64,
        columns: Vec<&'static str>,
    },
    RowWithoutEvents {
        projection: &'a str,
        id: &'a str,
        row_position: i64,
    },
    /// `due` is what the row says, `expected` what the log says as of the checkpoint; null is no deadline.
    DeadlineDiffers {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        due: Option<DateTime<Utc>>,
        expected: Option<DateTime<Utc>>,
        checkpoint: i64,
    },
    DeadlineWithoutEvents {
        aggregate_type: &'a str,
        aggregate_id: &'a str,
    },
}

/// Prints findings as they come, and counts them.
#[derive(Debug)]
pub struct Report {
    pub findings: u64,
    bar: ProgressBar,
}

impl Report {
    /// Of so many events.
    pub fn new(events: i64) -> Self {
        Self { findings: 0, bar: output::progress(events, "log") }
    }

    pub fn add(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        self.findings += 1;
        self.bar.suspend(|| output::line(finding))
    }

    /// The pass over the log has come so far.
    pub fn reached(&self, position: i64) {
        self.bar.set_position(position.unsigned_abs());
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
