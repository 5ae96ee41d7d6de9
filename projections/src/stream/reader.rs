//! Reads of the log: by position for followers, by aggregate for decisions and history.
//!
//! Each is one short statement: no snapshot outlives a chunk.

use chrono::{DateTime, Utc};
use mobid_domain::recorded::Recorded;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// A moment in the past of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    Position(i64),
    Time(DateTime<Utc>),
}

impl AsOf {
    /// Whether an event was in the log at that moment.
    pub fn includes(self, event: &Recorded) -> bool {
        match self {
            Self::Position(position) => event.position <= position,
            Self::Time(time) => event.recorded_at <= time,
        }
    }
}

/// The position of the last event; 0 of an empty log.
pub async fn head(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(position), 0) as "head!" from events"#).fetch_one(db).await
}

/// The log's own id, which goes into every leaf.
pub async fn log_id(db: impl PgExecutor<'_>) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar!("select id from log").fetch_one(db).await
}

/// Up to `limit` events after a position, in order.
pub async fn after(db: impl PgExecutor<'_>, position: i64, limit: i64) -> Result<Vec<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"select position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, event_version,
                  payload::text as "payload!", metadata::text as "metadata!", recorded_at
           from events where position > $1 order by position limit $2"#,
        position,
        limit
    )
    .fetch_all(db)
    .await
}

/// The ids of the aggregates that events after `from` up to `to` are about, in order, once for each event.
pub async fn aggregates_between(
    db: impl PgExecutor<'_>,
    from: i64,
    to: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select aggregate_id from events where position > $1 and position <= $2 order by position",
        from,
        to
    )
    .fetch_all(db)
    .await
}

/// One event by its position.
pub async fn at(db: impl PgExecutor<'_>, position: i64) -> Result<Option<Recorded>, sqlx::Error> {
    Ok(after(db, position - 1, 1).await?.into_iter().find(|event| event.position == position))
}

/// The events of one aggregate after a sequence, in order.
pub async fn of_aggregate(
    db: impl PgExecutor<'_>,
    aggregate_type: &str,
    aggregate_id: &str,
    after_sequence: i64,
) -> Result<Vec<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"select position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, event_version,
                  payload::text as "payload!", metadata::text as "metadata!", recorded_at
           from events where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 order by sequence"#,
        aggregate_type,
        aggregate_id,
        after_sequence
    )
    .fetch_all(db)
    .await
}

/// What of one aggregate to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tail {
    pub aggregate_type: &'static str,
    pub aggregate_id: String,
    pub after_sequence: i64,
}

/// The events of several aggregates at once, each at the place of its question, in order.
pub async fn tails(db: impl PgExecutor<'_>, asked: &[Tail]) -> Result<Vec<Vec<Recorded>>, sqlx::Error> {
    let types: Vec<_> = asked.iter().map(|tail| tail.aggregate_type).collect();
    let ids: Vec<_> = asked.iter().map(|tail| tail.aggregate_id.as_str()).collect();
    let sequences: Vec<_> = asked.iter().map(|tail| tail.after_sequence).collect();
    let rows = sqlx::query!(
        r#"select u.place as "place!", e.position as "position!", e.event_id as "event_id!", e.tenant as "tenant!",
                  e.aggregate_type as "aggregate_type!", e.aggregate_id as "aggregate_id!",
                  e.sequence as "sequence!", e.event_type as "event_type!", e.event_version as "event_version!",
                  e.payload::text as "payload!", e.metadata::text as "metadata!",
                  e.recorded_at as "recorded_at!"
           from unnest($1::text[], $2::text[], $3::bigint[])
               with ordinality as u(aggregate_type, aggregate_id, sequence, place)
           cross join lateral (
               select * from events e
               where e.aggregate_type = u.aggregate_type and e.aggregate_id = u.aggregate_id
                 and e.sequence > u.sequence
               order by e.sequence
           ) e
           order by u.place, e.sequence"#,
        &types as _,
        &ids as _,
        &sequences
    )
    .fetch_all(db)
    .await?;
    let mut tails = vec![Vec::new(); asked.len()];
    for row in rows {
        let place = usize::try_from(row.place - 1).ok();
        if let Some(tail) = place.and_then(|place| tails.get_mut(place)) {
            tail.push(Recorded {
                position: row.position,
                event_id: row.event_id,
                tenant: row.tenant,
                aggregate_type: row.aggregate_type,
                aggregate_id: row.aggregate_id,
                sequence: row.sequence,
                event_type: row.event_type,
                event_version: row.event_version,
                payload: row.payload,
                metadata: row.metadata,
                recorded_at: row.recorded_at,
            });
        }
    }
    Ok(tails)
}

/// The events of several aggregates of one type, ordered by aggregate and sequence.
pub async fn of_aggregates(
    conn: &mut PgConnection,
    aggregate_type: &str,
    aggregate_ids: &[String],
) -> Result<Vec<Recorded>, sqlx::Error> {
    // `= any($2)` scans the whole table where statistics are missing; a lateral join always goes by the index.
    sqlx::query_as!(
        Recorded,
        r#"select e.position as "position!", e.event_id as "event_id!", e.tenant as "tenant!",
                  e.aggregate_type as "aggregate_type!", e.aggregate_id as "aggregate_id!",
                  e.sequence as "sequence!", e.event_type as "event_type!", e.event_version as "event_version!",
                  e.payload::text as "payload!", e.metadata::text as "metadata!",
                  e.recorded_at as "recorded_at!"
           from unnest($2::text[]) with ordinality as u(id, ord)
           cross join lateral (
               select * from events e where e.aggregate_type = $1 and e.aggregate_id = u.id order by e.sequence
           ) e
           order by u.ord, e.sequence"#,
        aggregate_type,
        aggregate_ids
    )
    .fetch_all(conn)
    .await
}
