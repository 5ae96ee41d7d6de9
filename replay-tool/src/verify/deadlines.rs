//! Deadlines against the log: a consent that waits has exactly one, everything else has none.
//!
//! A row says nothing of where its projection stood, and there is none after a decision. So a row, or its absence,
//! is right if it is what the log says at any position from the checkpoint on.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use cqrs_es::Aggregate;
use mobid_domain::consent::{Consent, Phase};
use mobid_domain::recorded::Recorded;
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::reader;

use super::Look;
use super::aggregates::{Whole, going_on};
use super::finding::Finding;

type Due = Option<DateTime<Utc>>;

/// When a consent falls due, at the microseconds that the database keeps.
pub fn due(consent: &Consent) -> Due {
    let session = consent.session().filter(|session| session.phase == Phase::Pending)?;
    Some(session.request.expires_at.trunc_subsecs(6))
}

/// Compares the deadlines of some consents; `checkpoint` was read before their events were.
pub async fn compare(look: &mut Look, checkpoint: i64, batch: &[Whole<Consent>]) -> anyhow::Result<()> {
    let ids: Vec<_> = batch.iter().map(|whole| whole.id.clone()).collect();
    let rows = sqlx::query!(
        r#"select d.aggregate_id as "id!", d.due_at as "due_at!"
           from unnest($2::text[]) as u(id)
           cross join lateral (
               select * from deadlines d where d.aggregate_type = $1 and d.aggregate_id = u.id) d"#,
        Consent::TYPE,
        &ids
    )
    .fetch_all(&mut look.conn)
    .await?;
    let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row.due_at)).collect();
    let found = |whole: &Whole<Consent>| rows.get(&whole.id).copied();
    let others: Vec<_> = batch.iter().filter(|whole| found(whole) != due(&whole.folded.state)).collect();
    // What goes on is looked at again.
    let going_on = going_on(look, &others).await?;
    for whole in others.into_iter().filter(|whole| !going_on.contains(&whole.id)) {
        let found = found(whole);
        // Read after the row was: whatever it knows is in here.
        let events = reader::of_aggregate(&mut look.conn, Consent::TYPE, &whole.id, 0).await?;
        let right = since(checkpoint, &events)?;
        if !right.contains(&found) {
            look.report.add(&Finding::DeadlineDiffers {
                aggregate_type: Consent::TYPE,
                aggregate_id: &whole.id,
                due: found,
                expected: right.first().copied().flatten(),
                checkpoint,
            })?;
        }
    }
    Ok(())
}

/// What the log says as of a position and after each later event.
fn since(position: i64, events: &[Recorded]) -> Result<Vec<Due>, ApplyError> {
    let mut folded = Folded::<Consent>::empty("");
    let mut dues = vec![None];
    for event in events {
        folded.take(event)?;
        if event.position <= position {
            dues.clear();
        }
        dues.push(due(&folded.state));
    }
    Ok(dues)
}

/// Looks for deadlines of what never was, or of what has none in this build.
pub async fn without_events(look: &mut Look) -> anyhow::Result<()> {
    let (mut after_type, mut after_id) = (String::new(), String::new());
    loop {
        let page = sqlx::query!(
            r#"select d.aggregate_type, d.aggregate_id, exists (
                   select 1 from events e
                   where e.aggregate_type = d.aggregate_type and e.aggregate_id = d.aggregate_id) as "has_events!"
               from deadlines d
               where (d.aggregate_type, d.aggregate_id) > ($1, $2)
               order by d.aggregate_type, d.aggregate_id limit $3"#,
            after_type,
            after_id,
            look.batch
        )
        .fetch_all(&mut look.conn)
        .await?;
        for row in page.iter().filter(|row| !row.has_events || row.aggregate_type != Consent::TYPE) {
            let (aggregate_type, aggregate_id) = (row.aggregate_type.as_str(), row.aggregate_id.as_str());
            look.report.add(&Finding::DeadlineWithoutEvents { aggregate_type, aggregate_id })?;
        }
        match page.into_iter().last() {
            Some(last) => (after_type, after_id) = (last.aggregate_type, last.aggregate_id),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const CREATED: &str = include_str!("../../../domain/fixtures/events/consent.created.v1.bare.json");
    const UPDATED: &str = include_str!("../../../domain/fixtures/events/consent.updated.v1.deadline.json");
    const REJECTED: &str = include_str!("../../../domain/fixtures/events/consent.rejected.v1.json");

    fn event(position: i64, sequence: i64, event_type: &str, payload: &str) -> Recorded {
        Recorded {
            position,
            event_id: Uuid::nil(),
            tenant: String::new(),
            aggregate_type: Consent::TYPE.to_owned(),
            aggregate_id: "cs_1".to_owned(),
            sequence,
            event_type: event_type.to_owned(),
            event_version: "1".to_owned(),
            payload: payload.to_owned(),
            metadata: "{}".to_owned(),
            recorded_at: DateTime::UNIX_EPOCH,
        }
    }

    /// Created at 10, given a later deadline at 20, rejected at 30.
    fn history() -> [Recorded; 3] {
        [
            event(10, 1, "consent.created", CREATED),
            event(20, 2, "consent.updated", UPDATED),
            event(30, 3, "consent.rejected", REJECTED),
        ]
    }

    #[test]
    fn a_row_is_right_as_of_the_checkpoint_or_any_later_position() {
        let first = Some("2025-01-15T12:01:00Z".parse().unwrap());
        let second = Some("2025-01-20T12:00:00Z".parse().unwrap());
        for (checkpoint, right) in [
            (9, vec![None, first, second, None]),
            (10, vec![first, second, None]),
            (19, vec![first, second, None]),
            (20, vec![second, None]),
            (30, vec![None]),
            (99, vec![None]),
        ] {
            assert_eq!(since(checkpoint, &history()).unwrap(), right, "{checkpoint}");
        }
    }
}
