//! The pass over the log: every event by position.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mobid_domain::leaf::{hex, leaf};
use mobid_domain::recorded::Recorded;
use mobid_projections::stream::ahead::Ahead;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Look;
use super::finding::{Finding, Report};
use super::known::Known;

/// Checks each event by itself, against its predecessor, and in its aggregate; the hash over all leaves, in hex.
pub async fn check(
    look: &mut Look,
    known: &mut Known,
    log_id: Uuid,
    mut log: Ahead,
) -> anyhow::Result<String> {
    let mut leaves = Sha256::new();
    let (mut position, mut time) = (0, None);
    while position < look.head
        && let Some(mut chunk) = log.next().await?
    {
        chunk.retain(|event| event.position <= look.head);
        let chunk = Arc::new(chunk);
        // Half of the work, so that it is done beside the other half.
        let hashing = tokio::task::spawn_blocking({
            let chunk = chunk.clone();
            move || hash(log_id, &chunk, leaves)
        });
        for event in chunk.iter() {
            follows(&mut look.report, event, position, time)?;
            (position, time) = (event.position, Some(event.recorded_at));
        }
        known.take(look, &chunk).await?;
        let unreadable;
        (leaves, unreadable) = hashing.await?;
        for (place, reason) in unreadable {
            let Recorded { position, aggregate_type, aggregate_id, .. } = &chunk[place];
            look.report.add(&Finding::UnreadableMetadata {
                position: *position,
                aggregate_type,
                aggregate_id,
                reason,
            })?;
        }
        look.report.reached(position);
        // The other half has let it go by now.
        if let Ok(chunk) = Arc::try_unwrap(chunk) {
            log.take_back(chunk);
        }
    }
    anyhow::ensure!(position >= look.head, "the log could not be read beyond position {position}");
    Ok(hex(&leaves.finalize()))
}

/// Takes the leaves of a chunk, and finds metadata that does not read, by its place in the chunk.
fn hash(log_id: Uuid, chunk: &[Recorded], mut leaves: Sha256) -> (Sha256, Vec<(usize, String)>) {
    let mut unreadable = Vec::new();
    for (place, event) in chunk.iter().enumerate() {
        leaves.update(leaf(log_id, event));
        if let Err(error) = event.metadata_reads() {
            unreadable.push((place, error.reason));
        }
    }
    (leaves, unreadable)
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
