//! Which browser session proved to be a resource's recipient, for a quarter of an hour: it may see the claims.
//!
//! A proof decides nothing: every decision takes a code of its own.

use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::id::UserId;
use sqlx::PgPool;

/// How long a proof lets a browser see claims.
const GOOD: TimeDelta = TimeDelta::minutes(15);

/// Records a proof under a fresh session and moves there what the old session had proved before.
pub async fn record(
    pool: &PgPool,
    (old, new): ([u8; 32], [u8; 32]),
    resource: &str,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with moved as (
             delete from page_proofs where session_hash = $1 returning resource_id, user_id, expires_at
         )
         insert into page_proofs (session_hash, resource_id, user_id, expires_at)
         select $2::bytea, resource_id, user_id, expires_at from moved where resource_id <> $3 and expires_at > $6
         union all select $2, $3, $4, $5::timestamptz",
        &old[..],
        &new[..],
        resource,
        user.to_string(),
        now + GOOD,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a session proved to be this person on this resource.
pub async fn holds(
    pool: &PgPool,
    session: [u8; 32],
    resource: &str,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"select true as "found!" from page_proofs
           where session_hash = $1 and resource_id = $2 and user_id = $3 and expires_at > $4"#,
        &session[..],
        resource,
        user.to_string(),
        now
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.is_some())
}

/// Ends what browsers proved to be any of these, on whatever resource; answers how many proofs there were.
pub async fn end_all(pool: &PgPool, users: &[UserId]) -> Result<u64, sqlx::Error> {
    let users: Vec<_> = users.iter().map(ToString::to_string).collect();
    let ended = sqlx::query!("delete from page_proofs where user_id = any($1)", &users);
    Ok(ended.execute(pool).await?.rows_affected())
}

/// The same of what a passkey may have proved: that somebody reads the messages to a handle, as an enrollment asks first,
/// is so whatever becomes of a passkey.
pub async fn end_all_by_passkey(pool: &PgPool, users: &[UserId]) -> Result<u64, sqlx::Error> {
    let users: Vec<_> = users.iter().map(ToString::to_string).collect();
    let ended = sqlx::query!(
        "delete from page_proofs where user_id = any($1) and resource_id !~ '^enr_[^/]*$'",
        &users
    );
    Ok(ended.execute(pool).await?.rows_affected())
}

/// Removes up to `limit` proofs that ended; answers how many.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select session_hash, resource_id from page_proofs where expires_at <= $1
             order by expires_at limit $2 for update skip locked
         )
         delete from page_proofs t using gone where t.session_hash = gone.session_hash and t.resource_id = gone.resource_id",
        now,
        limit
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}
