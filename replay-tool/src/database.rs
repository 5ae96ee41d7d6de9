//! Connections, and the lock that keeps `verify` from reading what `rebuild` is writing.

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

/// A connection that can change nothing, whatever its role may do.
pub async fn open_read_only(url: &str) -> anyhow::Result<PgConnection> {
    let mut conn = open(url).await?;
    sqlx::query!("set default_transaction_read_only = on").execute(&mut conn).await?;
    // Every page here is in an index's order. Without statistics the planner may think it cheaper to sort what is
    // left of the log for each page.
    sqlx::query!("set enable_sort = off").execute(&mut conn).await?;
    Ok(conn)
}

pub async fn open(url: &str) -> anyhow::Result<PgConnection> {
    options(url)?.connect().await.context("cannot reach the database")
}

pub fn options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let options: PgConnectOptions = url.parse().context("the database URL does not read")?;
    Ok(options.application_name("replay-tool"))
}

/// Held with others until the connection ends: nobody rebuilds meanwhile.
pub async fn keep_from_rebuilding(conn: &mut PgConnection) -> anyhow::Result<()> {
    let free = sqlx::query_scalar!(
        r#"select pg_try_advisory_lock_shared(hashtextextended('mobid:rebuild', 0)) as "free!""#
    )
    .fetch_one(conn)
    .await?;
    anyhow::ensure!(free, "a projection is being rebuilt; look again when that is done");
    Ok(())
}

/// Held alone until the connection ends.
pub async fn rebuild_alone(conn: &mut PgConnection) -> anyhow::Result<()> {
    let free = sqlx::query_scalar!(
        r#"select pg_try_advisory_lock(hashtextextended('mobid:rebuild', 0)) as "free!""#
    )
    .fetch_one(conn)
    .await?;
    anyhow::ensure!(free, "somebody else rebuilds or verifies at this moment; try again when that is done");
    Ok(())
}
