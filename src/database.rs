//! The connection to Postgres, checked for what the log needs of it, and its schema.

use std::sync::LazyLock;
use std::time::Duration;

use mobid_projections::stream::lease::NOTICE_LOSS;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

/// The schema, forward only. One that is newer than this program is no hindrance: while a new version is rolled out
/// the old one must be able to start again, and migrations expand before they contract.
pub static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!();
    migrations.set_ignore_missing(true);
    migrations
});

/// Every statement here is short, and nearly all that is asked goes by key. So one plan fits every question: without
/// this a small batch is planned anew each time, since then a plan made for its few rows looks cheaper by a little, and
/// planning takes longer than answering. The plan is made when a table may still be empty and read from end to end in
/// no time; it must not come to that, nor to compiling what an estimate, wild for a table that has just grown, says
/// takes long. What is the exception says so.
pub const BY_KEY: &str = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off;
                          set enable_hashjoin = off; set enable_mergejoin = off; set jit = off";

const OLDEST: i32 = 150_000;
/// How long a connection of the pool counts as good after it was tried.
const RESTED: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the database cannot be reached or used: {0}")]
    Sqlx(#[from] sqlx::Error),
    #[error("the schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("Postgres 15 or later is needed, this is {0}")]
    TooOld(String),
    #[error("a pooler in transaction mode stands before the database; connections must be in session mode")]
    NotSessionMode,
    #[error("DATABASE_URL is not a Postgres URL")]
    Url,
}

/// Options from a URL. The URL may hold a password, so an error does not repeat it.
pub fn parse(url: &str) -> Result<PgConnectOptions, DatabaseError> {
    url.parse().map_err(|_| DatabaseError::Url)
}

/// A pool whose commits are durable unless a transaction says otherwise.
pub async fn connect(options: PgConnectOptions, connections: u32) -> Result<PgPool, DatabaseError> {
    let options = options
        .application_name("mobid")
        .log_statements(tracing::log::LevelFilter::Off)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(5));
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        // Each is tried when it is given back; again only if it has lain there for a while.
        .test_before_acquire(false)
        .before_acquire(|conn, connection| {
            Box::pin(async move {
                if connection.idle_for >= RESTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|conn, _| {
            Box::pin(async move {
                conn.execute("set synchronous_commit = on").await?;
                conn.execute(BY_KEY).await?;
                conn.execute(NOTICE_LOSS).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    check(&pool).await?;
    Ok(pool)
}

async fn check(pool: &PgPool) -> Result<(), DatabaseError> {
    let row = sqlx::query!(
        r#"select current_setting('server_version_num')::int as "number!", current_setting('server_version') as "text!""#
    )
    .fetch_one(pool)
    .await?;
    if row.number < OLDEST {
        return Err(DatabaseError::TooOld(row.text));
    }
    check_session_mode(&pool.connect_options()).await
}

/// A lock that one session holds must be another's to wait for: behind a pooler in transaction mode both
/// connections are given the same session, and the second gets the lock, too.
async fn check_session_mode(options: &PgConnectOptions) -> Result<(), DatabaseError> {
    let key: i64 = i64::from_be_bytes(crate::secret::random());
    let (mut first, mut second) = (options.connect().await?, options.connect().await?);
    sqlx::query!("select pg_advisory_lock($1)", key).execute(&mut first).await?;
    let taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "taken!""#, key)
        .fetch_one(&mut second)
        .await?;
    first.close().await?;
    second.close().await?;
    if taken { Err(DatabaseError::NotSessionMode) } else { Ok(()) }
}

/// Brings the schema up to date.
pub async fn migrate(pool: &PgPool) -> Result<(), DatabaseError> {
    Ok(MIGRATIONS.run(pool).await?)
}
