//! One real Postgres for all tests of a run, and a database of its own for each test.
//!
//! Whoever needs it first starts it, under a file lock, in `MOBID_TEST_DIR` (else `target/test-postgres`); it stays up
//! for the tests that follow, in this process and in others. `./test` stops it in the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use mobid::database::MIGRATIONS;
use mobid::embedded_postgres::{EmbeddedPostgres, Settings};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};

fn directory() -> PathBuf {
    std::env::var_os("MOBID_TEST_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-postgres"), PathBuf::from)
}

/// The URL of the shared Postgres for its superuser, up and with a template of today's schema.
async fn superuser_url() -> String {
    let directory = directory();
    fs::create_dir_all(&directory).unwrap();
    let lock = File::create(directory.join("starting.lock")).unwrap();
    // Blocks: another test may be starting it just now.
    tokio::task::block_in_place(|| lock.lock()).unwrap();
    let known = fs::read_to_string(directory.join("url")).unwrap_or_default();
    let url = if is_up(&known).await { known } else { start(&directory).await };
    ensure_template(&url).await;
    url
}

async fn is_up(url: &str) -> bool {
    let Ok(options) = url.parse::<PgConnectOptions>() else { return false };
    match options.connect().await {
        Ok(conn) => conn.close().await.is_ok(),
        Err(_) => false,
    }
}

async fn start(directory: &Path) -> String {
    let settings = Settings {
        data_dir: directory.to_owned(),
        binaries: std::env::var_os("MOBID_POSTGRES_BIN").map(PathBuf::from),
    };
    let postgres = EmbeddedPostgres::start(&settings).await.unwrap();
    let url = postgres.url().replacen("mobid@", "postgres@", 1).replace("/mobid", "/postgres");
    let mut conn = superuser(&url).await;
    // Nothing here outlives the run. What durability is worth is tested on servers of their own.
    conn.execute("alter system set fsync = off").await.unwrap();
    // A server takes up to twenty, a test up to two servers, and the more processors the more tests at a time.
    conn.execute("alter system set max_connections = 1000").await.unwrap();
    conn.close().await.unwrap();
    postgres.stop().await.unwrap();
    let postgres = EmbeddedPostgres::start(&settings).await.unwrap();
    fs::write(directory.join("url"), &url).unwrap();
    // It stays up when this test ends, and with it the runtime that would watch it.
    postgres.leave_running().await.unwrap();
    url
}

async fn superuser(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

/// A database with the schema, named by the schema, that others are copied from.
async fn ensure_template(url: &str) {
    let mut conn = superuser(url).await;
    let name = template_name();
    let exists = sqlx::query("select from pg_database where datname = $1").bind(&name);
    if exists.fetch_optional(&mut conn).await.unwrap().is_some() {
        return;
    }
    let making = format!("{name}_making");
    conn.execute(format!("drop database if exists {making}").as_str()).await.unwrap();
    conn.execute(format!("create database {making} owner mobid").as_str()).await.unwrap();
    let options = url.parse::<PgConnectOptions>().unwrap().username("mobid").database(&making);
    let mut fresh = options.connect().await.unwrap();
    MIGRATIONS.run_direct(&mut fresh).await.unwrap();
    fresh.close().await.unwrap();
    conn.execute(format!("alter database {making} rename to {name}").as_str()).await.unwrap();
}

fn template_name() -> String {
    let sum = MIGRATIONS
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0_u64, |sum, byte| sum.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(*byte)));
    format!("template_{sum:016x}")
}

/// A new database with the schema; its URL, for the role that the server uses.
pub async fn fresh_database() -> String {
    let url = superuser_url().await;
    let mut conn = superuser(&url).await;
    let name = format!("t_{}", mobid::ids::new_id().simple());
    let sql = format!("create database {name} template {} owner mobid strategy file_copy", template_name());
    conn.execute(sql.as_str()).await.unwrap();
    conn.close().await.unwrap();
    url.replacen("postgres@", "mobid@", 1).replace("/postgres", &format!("/{name}"))
}

/// A pool of the superuser on a test's database: for doing what nobody should.
pub async fn admin_pool(database_url: &str) -> PgPool {
    let options = database_url.parse::<PgConnectOptions>().unwrap().username("postgres");
    PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
}
