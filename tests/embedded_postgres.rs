//! The server's own Postgres: made, found again, killed in every way, and reached from nowhere else.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mobid::embedded_postgres::{EmbeddedPostgres, EmbeddedPostgresError, Settings};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// Set for the process of [`a_server_that_others_kill`]: its data directory.
const SERVER_DIR: &str = "MOBID_TEST_SERVER_DIR";
const NOBODY: u32 = 65534;

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
async fn kill_the_database_and_it_comes_back_with_its_data() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    let before = postmaster(dir.path());
    kill_process(before, Signal::KILL).unwrap();

    answers_again(&postgres, before, dir.path()).await;
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn kill_the_database_under_a_busy_backend_and_it_still_comes_back() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    let mut busy = connect(&postgres).await;
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut busy).await.unwrap();
    // It never waits for anything, so it does not notice by itself that its postmaster is gone.
    let query = tokio::spawn(async move {
        sqlx::query("select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b")
            .execute(&mut busy)
            .await
    });
    let mut other = connect(&postgres).await;
    until(async || {
        sqlx::query_scalar("select state = 'active' from pg_stat_activity where pid = $1")
            .bind(backend)
            .fetch_one(&mut other)
            .await
            .unwrap()
    })
    .await;
    let before = postmaster(dir.path());
    kill_process(before, Signal::KILL).unwrap();

    answers_again(&postgres, before, dir.path()).await;
    assert!(query.await.unwrap().is_err());
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn kill_a_backend_and_the_database_stays() {
    let dir = data_dir();
    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    let mut connection = connect(&postgres).await;
    let backend: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    kill_process(Pid::from_raw(backend).unwrap(), Signal::KILL).unwrap();
    // It restarts every backend, some moments after the kill.
    until(async || match PgConnection::connect_with(&postgres.connect_options()).await {
        Ok(mut connection) => sqlx::query_scalar("select n from kept")
            .fetch_one(&mut connection)
            .await
            .is_ok_and(|n: i32| n == 1),
        Err(_) => false,
    })
    .await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn kill_the_server_and_the_next_one_takes_the_database_over() {
    let dir = data_dir();
    let mut server = Server::start(dir.path());
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    insert(&mut connection, 1).await;
    let orphan = postmaster(dir.path());
    server.kill();

    let postgres = start(dir.path()).await;
    assert_ne!(postmaster(dir.path()), orphan);
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn kill_the_server_and_the_database_and_both_come_back() {
    let dir = data_dir();
    let mut server = Server::start(dir.path());
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    insert(&mut connection, 1).await;
    server.kill();
    kill_process(postmaster(dir.path()), Signal::KILL).unwrap();

    let postgres = start(dir.path()).await;
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn kill_the_server_while_it_makes_the_database_and_the_next_one_makes_it() {
    let dir = data_dir();
    let mut server = Server::start(dir.path());
    until(async || dir.path().join("postgres.initdb/PG_VERSION").exists()).await;
    server.kill();
    assert!(!dir.path().join("postgres").exists());

    let postgres = start(dir.path()).await;
    write(&postgres, 1).await;
    postgres.stop().await.unwrap();
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

#[tokio::test]
async fn as_root_a_directory_closed_to_the_database_is_named() {
    if !root() {
        return; // an ordinary user's database runs as that user
    }
    let dir = data_dir();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let refused = EmbeddedPostgres::start(&settings(&closed.join("data"))).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("may not enter {}", closed.display())), "{refused}");
    assert!(refused.contains("MOBID_DATA_DIR=/var/lib/mobid"), "{refused}");
}

#[tokio::test]
async fn an_ordinary_user_can_run_it() {
    if !root() {
        return; // then every other test shows it
    }
    let dir = data_dir();
    let data_dir = dir.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    std::os::unix::fs::chown(&data_dir, Some(NOBODY), Some(NOBODY)).unwrap();
    // The checkout may be closed to that user.
    let program = dir.path().join("server");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();

    let mut command = server_command(&program, &data_dir);
    let mut server = Server::of(command.uid(NOBODY).gid(NOBODY).current_dir("/"));
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    insert(&mut connection, 1).await;
    assert_eq!(fs::metadata(data_dir.join("postgres")).unwrap().uid(), NOBODY);
    assert_eq!(fs::metadata(&data_dir).unwrap().uid(), NOBODY);
    server.kill();

    // Root takes over what a user has made, and runs it as that user.
    let postgres = start(&data_dir).await;
    assert_eq!(read(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

/// Not a test: the server that others kill, run by them in a process of its own.
#[tokio::test]
#[ignore = "the other tests start it as a process of its own"]
async fn a_server_that_others_kill() {
    let Some(dir) = std::env::var_os(SERVER_DIR) else { return };
    let postgres = start(Path::new(&dir)).await;
    println!("up: {}", postgres.url());
    std::future::pending::<()>().await;
}

/// A server in a process of its own. A kill leaves its database behind, as a real one would.
struct Server(Child);

impl Server {
    fn start(data_dir: &Path) -> Self {
        Self::of(&mut server_command(&std::env::current_exe().unwrap(), data_dir))
    }

    fn of(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Waits till it is up.
    fn url(&mut self) -> String {
        BufReader::new(self.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("up: ")?.1.to_owned()))
            .expect("the server should come up")
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dead already is fine; alive it would keep the runner's pipes open.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server_command(program: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "embedded_postgres::a_server_that_others_kill", "--ignored", "--nocapture"])
        .env(SERVER_DIR, data_dir)
        .stdout(Stdio::piped());
    command
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
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

fn postmaster(data_dir: &Path) -> Pid {
    let file = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Waits for another postmaster than `before`.
async fn answers_again(postgres: &EmbeddedPostgres, before: Pid, data_dir: &Path) {
    until(async || PgConnection::connect_with(&postgres.connect_options()).await.is_ok()).await;
    assert_ne!(postmaster(data_dir), before);
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
