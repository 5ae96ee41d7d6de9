//! What falls due when: one row for each thing that is still waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::consent::{Consent, ConsentEvent};
use mobid_domain::recorded::Recorded;
use sqlx::{PgConnection, PgExecutor};

use crate::projection::{ApplyError, Projection};
use crate::stream::copy_in::Rows;
use crate::stream::load::Load;

pub const NAME: &str = "deadlines";

pub struct Deadlines;

/// What a batch says of one deadline; the last word counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Due(DateTime<Utc>, i64),
    Gone,
}

#[async_trait]
impl Projection for Deadlines {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Consent::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let mut changes = BTreeMap::new();
        for event in events.iter().filter(|event| self.concerns(event)) {
            if let Some(change) = change(&event.decode::<Consent>()?, event.position) {
                changes.insert(event.aggregate_id.clone(), change);
            }
        }
        write(conn, Consent::TYPE, &changes).await?;
        Ok(())
    }

    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!("truncate deadlines").execute(conn).await?;
        Ok(())
    }

    fn load(&self) -> Option<Load> {
        Some(Load {
            aggregate_type: Consent::TYPE,
            table: "deadlines",
            columns: "aggregate_type, aggregate_id, due_at, position",
            last: "select max(aggregate_id) from deadlines where aggregate_type = 'consent'",
            row,
        })
    }
}

fn row(events: &[Recorded], rows: &mut Rows) -> Result<(), ApplyError> {
    let mut last = None;
    for event in events {
        last = change(&event.decode::<Consent>()?, event.position).or(last);
    }
    if let (Some(first), Some(Change::Due(due, position))) = (events.first(), last) {
        rows.begin(&first.aggregate_id, 4);
        rows.text(&first.aggregate_type);
        rows.text(&first.aggregate_id);
        rows.time(due);
        rows.number(position);
    }
    Ok(())
}

fn change(event: &ConsentEvent, position: i64) -> Option<Change> {
    match event {
        ConsentEvent::Created(created) => Some(Change::Due(created.expires_at, position)),
        ConsentEvent::Updated(updated) => updated.expires_at.map(|due| Change::Due(due, position)),
        ConsentEvent::Scanned { .. } | ConsentEvent::Proved { .. } => None,
        ConsentEvent::Approved { .. }
        | ConsentEvent::Rejected { .. }
        | ConsentEvent::Revoked { .. }
        | ConsentEvent::Expired { .. } => Some(Change::Gone),
    }
}

async fn write(
    conn: &mut PgConnection,
    aggregate_type: &str,
    changes: &BTreeMap<String, Change>,
) -> Result<(), sqlx::Error> {
    let (mut ids, mut dues, mut positions, mut gone) = (vec![], vec![], vec![], vec![]);
    for (id, change) in changes {
        match change {
            Change::Due(due, position) => {
                ids.push(id.clone());
                dues.push(*due);
                positions.push(*position);
            }
            Change::Gone => gone.push(id.clone()),
        }
    }
    if !ids.is_empty() {
        sqlx::query!(
            "insert into deadlines (aggregate_type, aggregate_id, due_at, position)
             select $1, u.id, u.due_at, u.position
             from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as u(id, due_at, position)
             on conflict (aggregate_type, aggregate_id) do update
             set due_at = excluded.due_at, position = excluded.position
             where deadlines.position < excluded.position",
            aggregate_type,
            &ids,
            &dues,
            &positions
        )
        .execute(&mut *conn)
        .await?;
    }
    if !gone.is_empty() {
        sqlx::query!(
            "delete from deadlines d using unnest($2::text[]) as u(id)
             where d.aggregate_type = $1 and d.aggregate_id = u.id",
            aggregate_type,
            &gone
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Up to `limit` consents whose deadline has come, longest due first, after those given.
pub async fn due_consents(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    after: Option<&(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select due_at, aggregate_id from deadlines
         where aggregate_type = 'consent' and due_at <= $1
           and (due_at, aggregate_id) > (coalesce($2, '-infinity'::timestamptz), coalesce($3, ''))
         order by due_at, aggregate_id limit $4",
        now,
        after.map(|(due, _)| *due),
        after.map(|(_, id)| id.as_str()),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.due_at, row.aggregate_id)).collect())
}
