//! Throws a projection's rows away and makes them again from the log, beside whoever follows it meanwhile.
//!
//! Promises: rows and checkpoint move together, under the checkpoint's lock, so a running follower goes on from
//! wherever a step left it, and either may take the next batch. Until it is done, the rows say less than the log.

use sqlx::{Connection, PgConnection};

use super::{checkpoint, failure, reader};
use crate::projection::{ApplyError, Projection};

/// Empties the tables and puts the checkpoint before the first event.
pub async fn reset(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), sqlx::Error> {
    let (name, version) = (projection.name(), projection.version());
    let mut tx = conn.begin().await?;
    // One that never ran has no row to lock yet.
    checkpoint::start(&mut tx, name, version, 0).await?;
    if let Some(from) = checkpoint::lock(&mut tx, name, version).await? {
        projection.reset(&mut tx).await?;
        checkpoint::compare_and_set(&mut tx, name, version, from, 0).await?;
    }
    tx.commit().await
}

/// Applies up to `limit` events after the checkpoint; where the checkpoint is then. The same position twice means
/// that there is nothing left.
pub async fn step(
    conn: &mut PgConnection,
    projection: &dyn Projection,
    limit: i64,
) -> Result<i64, ApplyError> {
    let (name, version) = (projection.name(), projection.version());
    let mut tx = conn.begin().await?;
    // As a follower does: what a crash takes away is read again from the log, rows and checkpoint alike.
    sqlx::query!("set local synchronous_commit = off").execute(&mut *tx).await?;
    let from = checkpoint::lock(&mut tx, name, version).await?.unwrap_or(0);
    let events = reader::after(&mut *tx, from, limit).await?;
    let Some(last) = events.last().map(|event| event.position) else { return Ok(from) };
    projection.apply(&mut tx, &events).await?;
    if !checkpoint::compare_and_set(&mut tx, name, version, from, last).await? {
        return Ok(from);
    }
    failure::clear(&mut *tx, name, version, last).await?;
    tx.commit().await?;
    Ok(last)
}
