//! The database killed, the server, both, and while it is being made: what was committed is there again.

use std::fs;
use std::path::Path;

use mobid::embedded_postgres::EmbeddedPostgres;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};

use super::server::Server;
use super::{connect, data_dir, insert, read, start, until, write};

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

fn postmaster(data_dir: &Path) -> Pid {
    let file = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Waits for another postmaster than `before`.
async fn answers_again(postgres: &EmbeddedPostgres, before: Pid, data_dir: &Path) {
    until(async || PgConnection::connect_with(&postgres.connect_options()).await.is_ok()).await;
    assert_ne!(postmaster(data_dir), before);
}
