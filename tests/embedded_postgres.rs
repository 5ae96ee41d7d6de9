//! The server's own Postgres: made, found again, killed in every way, and reached from nowhere else.

mod accounts;
mod killed;
mod server;

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mobid::embedded_postgres::{EmbeddedPostgres, EmbeddedPostgresError, Settings};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use server::Server;

#[tokio::test]
async fn it_starts_and_answers_as_a_role_that_is_no_superuser() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let who: (String, String, bool) = sqlx::query_as(
        "select current_user::text, current_database()::text, rolsuper from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut connect(&postgres).await)
    .await
    .unwrap();
    assert_eq!(who, ("mobid".to_owned(), "mobid".to_owned(), false));
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn its_url_connects_too() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    assert_eq!(show(&mut connection, "server_encoding").await, "UTF8");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn every_commit_is_durable_and_nothing_listens_on_the_network() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let mut connection = connect(&postgres).await;
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(show(&mut connection, setting).await, value, "{setting}");
    }
    let socket = fs::metadata(dir.path().join("socket")).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o700);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn its_log_never_holds_a_value() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let mut connection = connect(&postgres).await;
    sqlx::raw_sql("create table people (phone text unique)").execute(&mut connection).await.unwrap();
    for expect in [true, false] {
        let inserted = sqlx::query("insert into people values ($1)")
            .bind("+15550100")
            .execute(&mut connection)
            .await
            .is_ok();
        assert_eq!(inserted, expect);
    }
    let refused = sqlx::query("select $1::text::uuid").bind("+15550100").execute(&mut connection).await;
    assert!(refused.is_err());
    postgres.stop().await.unwrap();

    let log = fs::read_to_string(dir.path().join("postgres.log")).unwrap();
    assert!(log.contains("ready to accept connections"), "{log}");
    assert!(!log.contains("15550100"), "{log}");
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_told_so() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let refused = EmbeddedPostgres::start(&settings(dir.path())).await.unwrap_err();
    assert!(matches!(refused, EmbeddedPostgresError::InUse { .. }));
    assert!(refused.to_string().contains("in use by another mobid server"), "{refused}");
    postgres.stop().await.unwrap();
    start(dir.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn data_survives_a_stop() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    postgres.stop().await.unwrap();
    assert!(!dir.path().join("postgres/postmaster.pid").exists());

    let postgres = start(dir.path()).await;
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_handle_takes_the_database_down_and_the_next_start_waits_for_it() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    drop(postgres);

    let postgres = start(dir.path()).await;
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[test]
fn left_running_it_outlives_the_runtime_that_started_it() {
    let dir = data_dir();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = runtime().block_on(async {
        let postgres = start(dir.path()).await;
        let url = postgres.url();
        postgres.leave_running().await.unwrap();
        url
    });
    runtime().block_on(async {
        PgConnection::connect(&url).await.unwrap();
        start(dir.path()).await.stop().await.unwrap();
    });
}

#[tokio::test]
async fn a_first_start_that_got_as_far_as_the_role_is_finished_by_the_next() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let superuser = postgres.connect_options().username("postgres").database("postgres");
    let mut connection = PgConnection::connect_with(&superuser).await.unwrap();
    sqlx::raw_sql("drop database mobid").execute(&mut connection).await.unwrap();
    postgres.stop().await.unwrap();

    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_file_whose_number_has_gone_to_somebody_else_is_stale() {
    let dir = data_dir();
    start(dir.path()).await.stop().await.unwrap();
    let cluster = dir.path().join("postgres");
    let owner = fs::metadata(&cluster).unwrap().uid();
    let mut somebody = Server::of(Command::new("sleep").arg("600").uid(owner));
    let pid_file = format!("{}\n{}\n1\n5432\n", somebody.0.id(), cluster.display());
    fs::write(cluster.join("postmaster.pid"), &pid_file).unwrap();
    fs::DirBuilder::new().mode(0o700).create(dir.path().join("socket")).unwrap();
    fs::write(dir.path().join("socket/.s.PGSQL.5432.lock"), &pid_file).unwrap();

    let postgres = start(dir.path()).await;
    assert!(somebody.0.try_wait().unwrap().is_none(), "it is none of ours to stop");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_private_one() {
    let dir = data_dir();
    let long = dir.path().join("d".repeat(120));
    for _ in 0..2 {
        let postgres = start(&long).await;
        write(&postgres, 1).await;
        let socket = postgres.connect_options().get_socket().cloned().unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
        assert!(socket.as_os_str().len() < 92, "{}", socket.display());
        postgres.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_postgres_is_answered_with_how_to_install_it() {
    let dir = data_dir();
    let nowhere = Settings { binaries: Some(dir.path().join("nowhere")), ..settings(dir.path()) };
    let refused = EmbeddedPostgres::start(&nowhere).await.unwrap_err().to_string();
    assert!(refused.contains("apt-get install -y --no-install-recommends postgresql`"), "{refused}");
    assert!(refused.contains("MOBID_POSTGRES_BIN") && refused.contains("DATABASE_URL"), "{refused}");
}

#[tokio::test]
async fn a_database_of_another_version_names_the_version_it_needs() {
    let dir = data_dir();
    start(dir.path()).await.stop().await.unwrap();
    fs::write(dir.path().join("postgres/PG_VERSION"), "12\n").unwrap();
    let refused = EmbeddedPostgres::start(&settings(dir.path())).await.unwrap_err().to_string();
    assert!(refused.contains("no Postgres 12") && refused.contains("postgresql-12"), "{refused}");
}

/// A directory that the database's account can reach too, whatever our umask.
fn data_dir() -> TempDir {
    let dir = tempfile::Builder::new().prefix("mobid-").tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

fn settings(data_dir: &Path) -> Settings {
    let binaries = std::env::var_os("MOBID_POSTGRES_BIN").map(PathBuf::from);
    Settings { data_dir: data_dir.to_owned(), binaries }
}

async fn start(data_dir: &Path) -> EmbeddedPostgres {
    EmbeddedPostgres::start(&settings(data_dir)).await.unwrap()
}

async fn connect(postgres: &EmbeddedPostgres) -> PgConnection {
    PgConnection::connect_with(&postgres.connect_options()).await.unwrap()
}

async fn show(connection: &mut PgConnection, setting: &str) -> String {
    sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(connection).await.unwrap()
}

async fn write(postgres: &EmbeddedPostgres, n: i32) {
    insert(&mut connect(postgres).await, n).await;
}

async fn insert(connection: &mut PgConnection, n: i32) {
    let sql = format!("create table if not exists kept (n int); insert into kept values ({n})");
    sqlx::raw_sql(&sql).execute(connection).await.unwrap();
}

async fn read(postgres: &EmbeddedPostgres) -> Vec<i32> {
    sqlx::query_scalar("select n from kept").fetch_all(&mut connect(postgres).await).await.unwrap()
}

/// Asks until the answer is yes, for at most a minute.
async fn until(mut yes: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    tokio::time::timeout(Duration::from_mins(1), async {
        while !yes().await {
            tick.tick().await;
        }
    })
    .await
    .expect("it should happen within a minute");
}
