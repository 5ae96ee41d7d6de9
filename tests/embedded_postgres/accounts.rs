//! As which account it runs: root's database is another's, and an ordinary user's is theirs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;

use mobid::embedded_postgres::EmbeddedPostgres;
use sqlx::{Connection as _, PgConnection};

use super::server::{Server, server_command};
use super::{data_dir, insert, read, settings, start};

const NOBODY: u32 = 65534;

fn root() -> bool {
    rustix::process::geteuid().is_root()
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
