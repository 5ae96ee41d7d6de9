//! Deliveries: rows of work, claimed by a sender for a while, then settled.
//!
//! Promises: one row per event and target; a claimed row whose sender died is due again when its claim ends, so each
//! is attempted at least once.

use chrono::{DateTime, Utc};
use mobid_domain::id::DeliveryId;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// The target of a delivery to the consent's own `callbackUrl`.
pub const CALLBACK: &str = "callback";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub tenant: String,
    /// An endpoint's id, or [`CALLBACK`].
    pub target: String,
    pub event_position: i64,
    pub event_id: Uuid,
    pub event_type: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
}

fn column<T>(deliveries: &[NewDelivery], of: impl Fn(&NewDelivery) -> T) -> Vec<T> {
    deliveries.iter().map(of).collect()
}

/// Inserts new ones; one that is there already stays as it is.
pub async fn insert(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<(), sqlx::Error> {
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into webhook_deliveries (id, tenant, target, event_position, event_id, event_type, aggregate_type,
                                         aggregate_id, sequence)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::text[],
                              $8::text[], $9::bigint[])
         on conflict on constraint once_per_event_and_target do nothing",
        &column(deliveries, |d| d.id.to_string()),
        &column(deliveries, |d| d.tenant.clone()),
        &column(deliveries, |d| d.target.clone()),
        &column(deliveries, |d| d.event_position),
        &column(deliveries, |d| d.event_id),
        &column(deliveries, |d| d.event_type.clone()),
        &column(deliveries, |d| d.aggregate_type.clone()),
        &column(deliveries, |d| d.aggregate_id.clone()),
        &column(deliveries, |d| d.sequence)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that a sender has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub id: String,
    pub tenant: String,
    pub target: String,
    pub event_position: i64,
    pub event_id: Uuid,
    pub event_type: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    /// Attempts made before this one.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

/// Claims up to `limit` due deliveries until `leased_until`.
pub async fn claim(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let mut claimed = sqlx::query_as!(
        Claimed,
        "update webhook_deliveries d set leased_until = $2
         from (
             select id from webhook_deliveries
             where status = 'pending' and next_attempt_at <= $1
               and (leased_until is null or leased_until <= $1)
             order by next_attempt_at, event_position limit $3
             for update skip locked
         ) due
         where d.id = due.id
         returning d.id, d.tenant, d.target, d.event_position, d.event_id, d.event_type, d.aggregate_type,
                   d.aggregate_id, d.sequence, d.attempts, d.created_at",
        now,
        leased_until,
        limit
    )
    .fetch_all(db)
    .await?;
    claimed.sort_by_key(|delivery| delivery.event_position);
    Ok(claimed)
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// Again at that time.
    Retry(DateTime<Utc>),
    /// The schedule is used up, or the endpoint is gone.
    Failed,
    /// There is nothing to send any more: the endpoint or the address was taken away. No attempt was made.
    Cancelled,
}

/// Settles a claimed delivery.
pub async fn settle(
    db: impl PgExecutor<'_>,
    delivery: &Claimed,
    outcome: &Outcome,
    status_code: Option<u16>,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (status, next_attempt_at, finished_at, attempted) = match outcome {
        Outcome::Succeeded => ("succeeded", None, Some(now), 1),
        Outcome::Retry(at) => ("pending", Some(*at), None, 1),
        Outcome::Failed => ("failed", None, Some(now), 1),
        Outcome::Cancelled => ("cancelled", None, Some(now), 0),
    };
    sqlx::query!(
        "update webhook_deliveries
         set status = $2, attempts = attempts + $3, next_attempt_at = coalesce($4, next_attempt_at),
             leased_until = null, last_status_code = $5, last_error = $6, finished_at = $7
         where id = $1 and status = 'pending'",
        delivery.id,
        status,
        attempted,
        next_attempt_at,
        status_code.map(i32::from),
        error,
        finished_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many deliveries wait for an attempt.
pub async fn pending(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from webhook_deliveries where status = 'pending'"#)
        .fetch_one(db)
        .await
}
