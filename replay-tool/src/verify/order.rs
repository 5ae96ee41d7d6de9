//! The first pass: every event by position.

use chrono::{DateTime, Utc};
use mobid_domain::leaf::{hex, leaf};
use mobid_domain::recorded::Recorded;
use mobid_projections::stream::reader;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Look;
use super::finding::{Finding, Report};
use crate::kind::Kind;
use crate::output;

/// Checks each event by itself and against its predecessor; the hash over all leaves, in hex.
pub async fn check(look: &mut Look, log_id: Uuid) -> anyhow::Result<String> {
    let bar = output::progress(look.head, "log");
    let mut leaves = Sha256::new();
    let (mut position, mut time) = (0, None);
    loop {
        let events = reader::after(&mut look.conn, position, look.batch).await?;
        for event in events.iter().take_while(|event| event.position <= look.head) {
            bar.suspend(|| follows(&mut look.report, event, position, time))?;
            bar.suspend(|| reads(&mut look.report, event))?;
            leaves.update(leaf(log_id, event));
            (position, time) = (event.position, Some(event.recorded_at));
        }
        bar.set_position(position.unsigned_abs());
        if position >= look.head || events.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(hex(&leaves.finalize()))
}

fn follows(
    report: &mut Report,
    event: &Recorded,
    position: i64,
    time: Option<DateTime<Utc>>,
) -> std::io::Result<()> {
    if event.position != position + 1 {
        report.add(&Finding::PositionsMissing { from: position + 1, to: event.position - 1 })?;
    }
    match time {
        Some(previous) if event.recorded_at < previous => {
            let (position, recorded_at) = (event.position, event.recorded_at);
            report.add(&Finding::TimeBackwards { position, recorded_at, previous })
        }
        _ => Ok(()),
    }
}

fn reads(report: &mut Report, event: &Recorded) -> std::io::Result<()> {
    let Recorded { position, aggregate_type, aggregate_id, .. } = event;
    let position = *position;
    match Kind::of_type(aggregate_type).map(|kind| kind.decodes(event)) {
        None => report.add(&Finding::UnknownAggregateType { position, aggregate_type, aggregate_id })?,
        Some(Err(unreadable)) => {
            let reason = unreadable.reason;
            report.add(&Finding::UnreadableEvent { position, aggregate_type, aggregate_id, reason })?;
        }
        Some(Ok(())) => {}
    }
    match event.metadata() {
        Err(unreadable) => {
            let reason = unreadable.reason;
            report.add(&Finding::UnreadableMetadata { position, aggregate_type, aggregate_id, reason })
        }
        Ok(_) => Ok(()),
    }
}
