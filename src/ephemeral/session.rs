//! Who is signed in to what is theirs, in which browser: for ten minutes after the last look at a page, and for an hour
//! at the most.
//!
//! Promises: a row tells nobody which cookie it belongs to without the server's key; signing in makes a session of its
//! own, whatever cookie the browser came with; any instance knows it, and knows its end.
//! Leaves to others: whether the person and what they signed in with are still what they were (pages).

use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::id::{PasskeyId, PersonId};
use sqlx::PgPool;

/// How long a session lasts in which nothing is looked at.
pub const IDLE: TimeDelta = TimeDelta::minutes(10);
/// How long it lasts whatever is done in it.
pub const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Who signed in, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonSession {
    pub person: PersonId,
    /// `None`: by one-time code.
    pub passkey: Option<PasskeyId>,
    /// How many of the person's passkeys had been dropped by then.
    pub dropped: i32,
    pub proved_at: DateTime<Utc>,
}

/// Begins a session, in place of what the browser had before.
pub async fn begin(
    pool: &PgPool,
    (old, new): ([u8; 32], [u8; 32]),
    session: &PersonSession,
) -> Result<(), sqlx::Error> {
    let now = session.proved_at;
    sqlx::query!(
        "with replaced as (delete from person_sessions where session_hash = $1)
         insert into person_sessions (session_hash, person_id, passkey_id, dropped, proved_at, idle_until, expires_at)
         values ($2, $3, $4, $5, $6, $7, $8)",
        &old[..],
        &new[..],
        session.person.to_string(),
        session.passkey.map(|passkey| passkey.to_string()),
        session.dropped,
        now,
        now + IDLE,
        now + LONGEST
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The session of a browser, which lasts on as it is looked at.
pub async fn look(
    pool: &PgPool,
    session: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<PersonSession>, sqlx::Error> {
    let row = sqlx::query!(
        "update person_sessions set idle_until = least($3::timestamptz, expires_at)
         where session_hash = $1 and idle_until > $2 and expires_at > $2
         returning person_id, passkey_id, dropped, proved_at",
        &session[..],
        now,
        now + IDLE
    )
    .fetch_optional(pool)
    .await?;
    // Ids that this program wrote; what cannot be read is no session.
    Ok(row.and_then(|row| {
        let passkey = row.passkey_id.map(|id| id.parse()).transpose().ok()?;
        let (person, dropped, proved_at) = (row.person_id.parse().ok()?, row.dropped, row.proved_at);
        Some(PersonSession { person, passkey, dropped, proved_at })
    }))
}

/// Ends one session.
pub async fn end(pool: &PgPool, session: [u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from person_sessions where session_hash = $1", &session[..]).execute(pool).await?;
    Ok(())
}

/// Ends every session of a person, in whatever browser; answers how many there were.
pub async fn end_all(pool: &PgPool, person: PersonId) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query!("delete from person_sessions where person_id = $1", person.to_string());
    Ok(ended.execute(pool).await?.rows_affected())
}

/// Removes up to `limit` sessions that are over for good; answers how many.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select session_hash from person_sessions where expires_at <= $1
             order by expires_at limit $2 for update skip locked
         )
         delete from person_sessions t using gone where t.session_hash = gone.session_hash",
        now,
        limit
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}
