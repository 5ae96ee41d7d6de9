//! Throws a projection's rows away and makes them again from the log, beside whoever follows it meanwhile.
//!
//! Promises: rows and checkpoint move together, under the checkpoint's lock, so a running follower goes on from
//! wherever a step left it, and either may take the next batch. Until it is done, the rows say less than the log.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::load::{self, Loaded, Loading};
use super::runner::look_later;
use super::{checkpoint, failure, reader, set_aside};
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

/// The quick way through a long log that the checkpoint is before, if the projection has one; the rest is for
/// [`step`]. It pays from so many events on. Whoever else is on that way goes first.
pub async fn load(
    conn: &mut PgConnection,
    options: &PgConnectOptions,
    projection: &dyn Projection,
    to: i64,
    load_from: i64,
) -> Result<(), ApplyError> {
    let Some(load) = projection.load().filter(|_| to >= load_from) else { return Ok(()) };
    let lease = loop {
        match load::lease(options, projection.name()).await? {
            Some(lease) => break lease,
            None => look_later().await,
        }
    };
    let mut loading = Loading::begin(options, projection, load, lease, to, load_from).await?;
    while let Some(under_way) = &mut loading {
        match under_way.step(conn).await {
            Ok(Loaded::Some) => {}
            Ok(Loaded::All(_) | Loaded::Overtaken) => break,
            Err(ApplyError::Database(error)) => return Err(error.into()),
            Err(_) => {
                // Which event it is comes out event by event.
                load::undo(conn, projection).await?;
                break;
            }
        }
    }
    // Still with the lease, so that nobody else sets out to write meanwhile.
    Ok(set_aside::restore(options.clone(), load.table).await?)
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
    let events: Vec<_> = events.into_iter().map(Arc::new).collect();
    let Some(last) = events.last().map(|event| event.position) else { return Ok(from) };
    projection.apply(&mut tx, &events).await?;
    if !checkpoint::compare_and_set(&mut tx, name, version, from, last).await? {
        return Ok(from);
    }
    failure::clear(&mut *tx, name, version, last).await?;
    tx.commit().await?;
    Ok(last)
}
