//! Whether a failure is an event's fault, and the row that a follower leaves when it meets one that it cannot apply.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::projection::ApplyError;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    pub name: String,
    pub version: i32,
    pub position: i64,
    pub error: String,
    pub failed_at: DateTime<Utc>,
}

/// The error of the database, if nothing else is to blame.
pub fn lost(error: ApplyError) -> Result<sqlx::Error, ApplyError> {
    match error {
        ApplyError::Database(error) if is_passing(&error) => Ok(error),
        error => Err(error),
    }
}

/// A lost connection says nothing about the events, nor do serialization failures, deadlocks, shutdowns, exhausted
/// resources, a disk or file that fails, a session that was ended for being silent; everything else may be the fault of
/// one of them.
fn is_passing(error: &sqlx::Error) -> bool {
    let passing = ["08", "25006", "25P03", "40", "53", "57", "58", "XX"];
    let Some(answered) = error.as_database_error() else { return true };
    answered.code().is_some_and(|code| passing.iter().any(|class| code.starts_with(class)))
}

pub async fn record(
    db: impl PgExecutor<'_>,
    name: &str,
    version: i32,
    position: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into projection_failures (name, version, position, error) values ($1, $2, $3, $4)
         on conflict (name, version) do update
         set position = excluded.position, error = excluded.error, failed_at = clock_timestamp()",
        name,
        version,
        position,
        error
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a failure that the follower got past.
pub async fn clear(db: impl PgExecutor<'_>, name: &str, version: i32, up_to: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from projection_failures where name = $1 and version = $2 and position <= $3",
        name,
        version,
        up_to
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Failure>, sqlx::Error> {
    sqlx::query_as!(
        Failure,
        "select name, version, position, error, failed_at from projection_failures order by 1, 2"
    )
    .fetch_all(db)
    .await
}
