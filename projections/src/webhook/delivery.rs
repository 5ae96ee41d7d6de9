//! Deliveries: rows of work, claimed by a sender for a while, then settled.
//!
//! Promises: one row per event and target; a claimed row whose sender died is due again when its claim ends, so each
//! is attempted at least once; what is settled stays for a while to look back on, and then goes.
//!
//! A row that is found by its id is asked whether it is finished, not whether it is pending: what is pending has an
//! index, which is the wrong one to look for an id, and looks cheap to a plan that is made while the table is empty.

use std::time::Duration;

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
    /// Names the claim: whoever has claimed it since has another.
    pub claim_id: Uuid,
}

/// A tenant and one of its targets: what shares a bound, so that one slow receiver does not hold up the others.
pub type Lane = (String, String);

/// How much a sender can take.
#[derive(Debug, Clone)]
pub struct Room<'a> {
    pub deliveries: i64,
    /// For each lane that is not named.
    pub per_lane: i64,
    /// For others, where there is none left maybe.
    pub lanes: &'a [(Lane, i64)],
}

impl Claimed {
    pub fn lane(&self) -> Lane {
        (self.tenant.clone(), self.target.clone())
    }
}

/// Claims due deliveries for a while, the longest due first.
///
/// Lane by lane, from one to the next by the index: the backlog of a lane that has no room is not read. A claim ends by
/// the database's clock, which all senders share.
pub async fn claim(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    (claim_id, lasts): (Uuid, Duration),
    room: &Room<'_>,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let (lanes, rooms): (Vec<_>, Vec<_>) = room.lanes.iter().cloned().unzip();
    let (tenants, targets): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
    let mut claimed = sqlx::query_as!(
        Claimed,
        r#"with recursive lane as (
               (select tenant, target from webhook_deliveries
                where status = 'pending' order by tenant, target limit 1)
               union all
               select n.tenant, n.target from lane l cross join lateral (
                   select d.tenant, d.target from webhook_deliveries d
                   where d.status = 'pending' and (d.tenant, d.target) > (l.tenant, l.target)
                   order by d.tenant, d.target limit 1) n
           ), due as (
               select d.id, d.next_attempt_at, d.event_position
               from lane l
               left join unnest($6::text[], $7::text[], $8::bigint[]) as t(tenant, target, room)
                   on t.tenant = l.tenant and t.target = l.target
               cross join lateral (
                   select d.id, d.next_attempt_at, d.event_position from webhook_deliveries d
                   where d.status = 'pending' and d.tenant = l.tenant and d.target = l.target
                     and d.next_attempt_at <= $1
                     and (d.leased_until is null or d.leased_until <= clock_timestamp())
                   order by d.next_attempt_at, d.event_position
                   limit coalesce(t.room, $5)) d
               order by d.next_attempt_at, d.event_position limit $4
           ), mine as (
               select d.id from due cross join lateral (
                   select d.id from webhook_deliveries d
                   where d.id = due.id and d.finished_at is null and d.next_attempt_at <= $1
                     and (d.leased_until is null or d.leased_until <= clock_timestamp())
                   for update skip locked) d
           )
           update webhook_deliveries d
           set claim_id = $2, leased_until = clock_timestamp() + make_interval(secs => $3)
           from mine where d.id = mine.id
           returning d.id, d.tenant, d.target, d.event_position, d.event_id, d.event_type, d.aggregate_type,
                     d.aggregate_id, d.sequence, d.attempts, d.created_at, d.claim_id as "claim_id!""#,
        now,
        claim_id,
        lasts.as_secs_f64(),
        room.deliveries,
        room.per_lane,
        &tenants,
        &targets,
        &rooms
    )
    .fetch_all(db)
    .await?;
    claimed.sort_by_key(|delivery| delivery.event_position);
    Ok(claimed)
}

/// Makes claims last: for as long again, from now on. One that somebody else has taken over stays theirs.
pub async fn renew(
    db: impl PgExecutor<'_>,
    claims: &[(String, Uuid)],
    lasts: Duration,
) -> Result<(), sqlx::Error> {
    let (ids, claim_ids): (Vec<_>, Vec<_>) = claims.iter().cloned().unzip();
    // In the order of their keys, as those are that settle.
    sqlx::query!(
        "update webhook_deliveries d set leased_until = clock_timestamp() + make_interval(secs => $3)
         from (select * from unnest($1::text[], $2::uuid[]) as r(id, claim_id) order by r.id) r
         where d.id = r.id and d.finished_at is null and d.claim_id = r.claim_id",
        &ids,
        &claim_ids,
        lasts.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
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

/// An attempt at an end.
#[derive(Debug, Clone)]
pub struct Settled {
    pub id: String,
    pub claim_id: Uuid,
    pub outcome: Outcome,
    pub status_code: Option<u16>,
    pub error: Option<String>,
    pub at: DateTime<Utc>,
}

/// Settles claimed deliveries. Whoever comes after the end of their claim changes nothing any more, unless it
/// arrived: then nobody needs to send it again.
pub async fn settle(db: impl PgExecutor<'_>, settled: &[Settled]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = settled.iter().map(|one| one.id.as_str()).collect();
    let claims: Vec<_> = settled.iter().map(|one| one.claim_id).collect();
    let codes: Vec<_> = settled.iter().map(|one| one.status_code.map(i32::from)).collect();
    let errors: Vec<_> = settled.iter().map(|one| one.error.as_deref()).collect();
    let mut statuses = Vec::with_capacity(settled.len());
    let mut attempted = Vec::with_capacity(settled.len());
    let mut next = Vec::with_capacity(settled.len());
    let mut finished = Vec::with_capacity(settled.len());
    for Settled { outcome, at, .. } in settled {
        let (status, made, again_at, finished_at) = match outcome {
            Outcome::Succeeded => ("succeeded", 1, None, Some(*at)),
            Outcome::Retry(again_at) => ("pending", 1, Some(*again_at), None),
            Outcome::Failed => ("failed", 1, None, Some(*at)),
            Outcome::Cancelled => ("cancelled", 0, None, Some(*at)),
        };
        statuses.push(status);
        attempted.push(made);
        next.push(again_at);
        finished.push(finished_at);
    }
    // In the order of their keys, so that two that settle the same rows do not wait for each other.
    sqlx::query!(
        "update webhook_deliveries d
         set status = s.status, attempts = d.attempts + s.attempted,
             next_attempt_at = coalesce(s.next_attempt_at, d.next_attempt_at), leased_until = null, claim_id = null,
             last_status_code = s.status_code, last_error = s.error, finished_at = s.finished_at
         from (
             select distinct on (s.id) *
             from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::timestamptz[], $6::integer[],
                         $7::text[], $8::timestamptz[])
                 as s(id, claim_id, status, attempted, next_attempt_at, status_code, error, finished_at)
             order by s.id, s.status = 'succeeded' desc
         ) s
         where d.id = s.id and d.finished_at is null and (d.claim_id = s.claim_id or s.status = 'succeeded')",
        &ids as _,
        &claims,
        &statuses as _,
        &attempted,
        &next as _,
        &codes as _,
        &errors as _,
        &finished as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether a target has been failing since `then` or longer: something from before then did not arrive, and nothing
/// arrived after that.
pub async fn is_failing_since(
    db: impl PgExecutor<'_>,
    target: &str,
    then: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from webhook_deliveries
               where target = $1 and status in ('pending', 'failed') and attempts > 0 and created_at <= $2
                 and created_at > coalesce(
                     (select max(finished_at) from webhook_deliveries where target = $1 and status = 'succeeded'),
                     '-infinity')
           ) as "failing!""#,
        target,
        then
    )
    .fetch_one(db)
    .await
}

/// How many deliveries wait for an attempt.
pub async fn pending(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from webhook_deliveries where status = 'pending'"#)
        .fetch_one(db)
        .await
}

/// Removes up to `limit` deliveries that were settled before `then`; answers how many.
pub async fn prune(db: impl PgExecutor<'_>, then: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select id from webhook_deliveries where finished_at < $1
             order by finished_at limit $2 for update skip locked
         )
         delete from webhook_deliveries d using gone where d.id = gone.id",
        then,
        limit
    )
    .execute(db)
    .await?;
    Ok(pruned.rows_affected())
}
