//! A proxy that cuts the database's connection between statement and acknowledgement: no command is doubled, none is
//! answered wrongly.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mobid::clock::Clock;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use crate::support::{TestApp, fresh_database};

/// Which of the appender's answers are lost: every n-th.
const EVERY: usize = 5;

/// What becomes of a connection whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Cut,
    /// It stays open and says nothing more, as when the database's machine is gone.
    Silence,
}

/// Forwards to the socket; of connections that call themselves the appender it loses every n-th answer, having let
/// the statement through.
async fn losing_proxy(socket: PathBuf, cuts: Arc<AtomicUsize>, then: Then) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (socket, cuts, answers) = (socket.clone(), cuts.clone(), answers.clone());
            tokio::spawn(async move {
                // A connection that ends is what this proxy is about.
                let _ = forward(client, socket, &cuts, &answers, then).await;
            });
        }
    });
    port
}

async fn forward(
    mut client: tokio::net::TcpStream,
    socket: PathBuf,
    cuts: &AtomicUsize,
    answers: &AtomicUsize,
    then: Then,
) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_appender = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                is_appender |= from_client[..n].windows(14).any(|bytes| bytes == b"mobid appender");
                server.write_all(&from_client[..n]).await?;
            }
            read = server.read(&mut from_server) => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                // A DataRow in the answer means that the statement ran, and a ReadyForQuery that it committed.
                let committed = from_server[..n].ends_with(b"Z\0\0\0\x05I") && from_server[..n].contains(&b'D');
                if is_appender && committed && answers.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1 {
                    cuts.fetch_add(1, Ordering::Relaxed);
                    if then == Then::Silence {
                        std::future::pending::<()>().await;
                    }
                    return Ok(());
                }
                client.write_all(&from_server[..n]).await?;
            }
        }
    }
}

pub fn through_proxy(database_url: &str, port: u16) -> String {
    let name = database_url.rsplit('/').next().unwrap();
    format!("postgres://mobid@127.0.0.1:{port}/{name}?sslmode=disable")
}

pub fn socket_of(database_url: &str) -> PathBuf {
    let options: PgConnectOptions = database_url.parse().unwrap();
    let directory = options.get_socket().unwrap().clone();
    let mut entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().is_some_and(|e| e.to_string_lossy().parse::<u16>().is_ok())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_doubles_nothing_and_lies_to_nobody() {
    let database = fresh_database().await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let port = losing_proxy(socket_of(&database), cuts.clone(), Then::Cut).await;
    #[expect(clippy::disallowed_methods, reason = "a manual clock starts somewhere")]
    let clock = Clock::manual(chrono::Utc::now());
    let app = Arc::new(TestApp::start_on(through_proxy(&database, port), clock, |_| {}).await);

    let mut ids = Vec::new();
    for _ in 0..12 {
        let round = (0..8).map(|_| {
            let app = app.clone();
            tokio::spawn(async move {
                let id = app.create_consent_with(json!({ "callbackUrl": null })).await;
                let path = format!("/v1/service/consents/{id}");
                let changed = app.api.patch(&path, &json!({ "purpose": "payment" })).await;
                assert_eq!(changed.status, 200, "{}", changed.body);
                assert_eq!(changed.data()["purpose"], "payment");
                let revoked = app.api.delete(&path).await;
                assert_eq!(revoked.status, 200, "{}", revoked.body);
                let again = app.api.delete(&path).await;
                assert_eq!(again.status, 409, "{}", again.body);
                id
            })
        });
        for made in futures::future::join_all(round).await {
            ids.push(made.unwrap());
        }
    }

    assert!(cuts.load(Ordering::Relaxed) >= 5, "the proxy cut {} times only", cuts.load(Ordering::Relaxed));
    let rows: Vec<(i64, String, i64, String)> =
        sqlx::query_as("select position, aggregate_id, sequence, event_type from events order by position")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert!(rows.iter().zip(1..).all(|(row, position)| row.0 == position), "positions are 1…n");
    let consents: Vec<_> = rows.iter().filter(|row| row.1.starts_with("cs_")).collect();
    assert_eq!(consents.len(), ids.len() * 3, "created, updated and revoked, once each");
    let distinct: BTreeSet<_> = consents.iter().map(|row| (&row.1, row.2)).collect();
    assert_eq!(distinct.len(), consents.len());
    assert_eq!(consents.iter().map(|row| &row.1).collect::<BTreeSet<_>>().len(), ids.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let database = fresh_database().await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let port = losing_proxy(socket_of(&database), cuts.clone(), Then::Silence).await;
    #[expect(clippy::disallowed_methods, reason = "a manual clock starts somewhere")]
    let clock = Clock::manual(chrono::Utc::now());
    let app = TestApp::start_on(through_proxy(&database, port), clock, |_| {}).await;
    let mut ids = BTreeSet::new();
    while cuts.load(Ordering::Relaxed) == 0 {
        ids.insert(app.create_consent().await);
    }
    ids.insert(app.create_consent().await);
    let logged: Vec<String> =
        sqlx::query_scalar("select aggregate_id from events where event_type = 'consent.created'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(logged.len(), ids.len());
    assert_eq!(logged.into_iter().collect::<BTreeSet<_>>(), ids);
}
