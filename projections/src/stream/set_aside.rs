//! Indexes that are not there while a table is filled: one sorted build at the end costs a fraction of so many inserts.
//!
//! Promises: what is dropped is written down in the same transaction, and what is made again is crossed out in the
//! same transaction, so whatever ends a process in between, the next one knows what is missing. The definitions are
//! the database's own, as the migrations made them.

use futures::future::try_join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgExecutor};

/// Drops the indexes of a table that enforce nothing, until they are [`restore`]d.
pub async fn set_aside(conn: &mut PgConnection, table: &str) -> Result<(), sqlx::Error> {
    let dropped = sqlx::query_scalar!(
        r#"insert into indexes_set_aside (name, table_name, definition)
           select c.relname, $1, pg_get_indexdef(i.indexrelid)
           from pg_index i join pg_class c on c.oid = i.indexrelid
           where i.indrelid = to_regclass($1) and not i.indisunique
           on conflict (name) do update set definition = excluded.definition
           returning format('drop index %I', name) as "statement!""#,
        table
    )
    .fetch_all(&mut *conn)
    .await?;
    for statement in dropped {
        conn.execute(statement.as_str()).await?;
    }
    Ok(())
}

/// Whether a table lacks some of its indexes.
pub async fn any(db: impl PgExecutor<'_>, table: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from indexes_set_aside where table_name = $1) as "any!""#,
        table
    )
    .fetch_one(db)
    .await
}

/// Makes the missing indexes of a table, each in a transaction of its own, on a connection of its own: that may take
/// minutes, in which nobody writes to the table. Of two who do it at once, the later finds it done.
pub async fn restore(options: PgConnectOptions, table: &'static str) -> Result<(), sqlx::Error> {
    let mut conn = options.connect().await?;
    let missing =
        sqlx::query_scalar!("select name from indexes_set_aside where table_name = $1 order by name", table)
            .fetch_all(&mut conn)
            .await?;
    try_join_all(missing.iter().map(|name| restore_one(&options, name))).await?;
    // Lists are planned by statistics, which a table that was just filled does not have.
    conn.execute(format!("analyze {table}").as_str()).await?;
    conn.close().await
}

async fn restore_one(options: &PgConnectOptions, name: &str) -> Result<(), sqlx::Error> {
    let mut conn = options.connect().await?;
    // Sorts that spill take longer; a builder uses no more than it needs of this. They keep the cores busy together,
    // which takes less of them than several workers for one after the other.
    conn.execute("set maintenance_work_mem = '128MB'; set max_parallel_maintenance_workers = 0").await?;
    let mut tx = conn.begin().await?;
    let definition =
        sqlx::query_scalar!("select definition from indexes_set_aside where name = $1 for update", name)
            .fetch_optional(&mut *tx)
            .await?;
    if let Some(definition) = definition {
        tx.execute(definition.as_str()).await?;
        sqlx::query!("delete from indexes_set_aside where name = $1", name).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    conn.close().await
}
