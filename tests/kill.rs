//! SIGKILL at bad moments, under load: nothing acknowledged is lost, nothing is doubled, everything is delivered.

mod persons;
mod retries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::support::process::ServerProcess;
use crate::support::receiver::Receiver;
use crate::support::{Api, reference_body};

/// Concurrent writers.
const WRITERS: usize = 12;
/// Acknowledged commands between two kills.
const BETWEEN_KILLS: usize = 60;

#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Server,
    Database,
    Both,
}

/// What the writers were told.
#[derive(Default)]
struct Acknowledged {
    /// Consent by idempotency key.
    created: BTreeMap<String, String>,
    revoked: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_server_and_database_under_load_loses_and_doubles_nothing() {
    let receiver = Receiver::failing_every(7).await;
    let schedule = format!("[0{}]", ",1".repeat(60));
    let mut server = ServerProcess::new(&[("MOBID_WEBHOOK_SCHEDULE_SECONDS", &schedule)]);
    server.start().await;
    let endpoint = server.api().post("/v1/webhooks", &json!({ "url": receiver.url() })).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.body);

    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(server.api(), writer, acknowledged.clone(), stop.clone())))
        .collect();
    for victim in [Victim::Server, Victim::Database, Victim::Both, Victim::Database, Victim::Server] {
        more_acknowledged(&acknowledged, BETWEEN_KILLS).await;
        if victim != Victim::Server {
            server.kill_database();
        }
        if victim != Victim::Database {
            server.kill_server();
            server.start().await;
        }
    }
    more_acknowledged(&acknowledged, BETWEEN_KILLS).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }

    let acknowledged = acknowledged.lock().await;
    check_log(&server, &acknowledged).await;
    check_deliveries(&server, &receiver).await;
    server.verify_log();
    assert!(server.terminate().await);
}

/// Creates consents and revokes each third, sending each command again until it is answered.
async fn write(api: Api, writer: usize, acknowledged: Arc<Mutex<Acknowledged>>, stop: Arc<AtomicBool>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let key = format!("w{writer}-{number}");
        let mut body = reference_body();
        body["recipient"] = json!(format!("+49{writer:03}{number:06}"));
        body["callbackUrl"] = Value::Null;
        let answer =
            until_answered(&api, Method::POST, "/v1/service/consents/search", Some(&key), Some(&body)).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
        let id = answer.1["data"]["id"].as_str().unwrap().to_owned();
        acknowledged.lock().await.created.insert(key, id.clone());
        if number % 3 == 0 {
            let path = format!("/v1/service/consents/{id}");
            let (status, body) = until_answered(&api, Method::DELETE, &path, None, None).await;
            // Sent again after an answer that was lost, it finds the consent revoked.
            assert!(status == 200 || (status == 409 && body["data"]["status"] == "revoked"), "{body}");
            acknowledged.lock().await.revoked.insert(id);
        }
    }
}

async fn until_answered(
    api: &Api,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> (u16, Value) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    loop {
        pace.tick().await;
        let mut request = api.request(method.clone(), path).timeout(Duration::from_secs(30));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let Ok(response) = request.send().await else { continue };
        let status = response.status().as_u16();
        let Ok(body) = response.json::<Value>().await else { continue };
        let in_flight =
            status == 409 && body["message"].as_str().is_some_and(|m| m.contains("being answered"));
        if status < 500 && !in_flight {
            return (status, body);
        }
    }
}

async fn more_acknowledged(acknowledged: &Mutex<Acknowledged>, more: usize) {
    let goal = acknowledged.lock().await.created.len() + more;
    let reached = tokio::time::timeout(Duration::from_mins(2), async {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while acknowledged.lock().await.created.len() < goal {
            look.tick().await;
        }
    });
    reached.await.expect("the writers got stuck");
}

async fn check_log(server: &ServerProcess, acknowledged: &Acknowledged) {
    let pool = server.pool().await;
    let (count, last): (i64, i64) =
        sqlx::query_as("select count(*), max(position) from events").fetch_one(&pool).await.unwrap();
    assert_eq!(count, last, "positions are 1…n");
    let ids: BTreeSet<_> = acknowledged.created.values().cloned().collect();
    assert_eq!(ids.len(), acknowledged.created.len(), "each key made a consent of its own");
    let logged: Vec<(String,)> =
        sqlx::query_as("select aggregate_id from events where event_type = 'consent.created'")
            .fetch_all(&pool)
            .await
            .unwrap();
    let logged: Vec<_> = logged.into_iter().map(|(id,)| id).collect();
    let distinct: BTreeSet<_> = logged.iter().cloned().collect();
    assert_eq!(logged.len(), distinct.len(), "no consent was created twice");
    assert_eq!(
        distinct, ids,
        "exactly what was acknowledged is in the log: every key was sent until it was answered"
    );
    let revoked: Vec<(String,)> =
        sqlx::query_as("select aggregate_id from events where event_type = 'consent.revoked'")
            .fetch_all(&pool)
            .await
            .unwrap();
    let revoked: Vec<_> = revoked.into_iter().map(|(id,)| id).collect();
    assert_eq!(revoked.len(), acknowledged.revoked.len(), "no consent was revoked twice");
    assert_eq!(revoked.into_iter().collect::<BTreeSet<_>>(), acknowledged.revoked);
}

async fn check_deliveries(server: &ServerProcess, receiver: &Receiver) {
    let pool = server.pool().await;
    let settled = tokio::time::timeout(Duration::from_mins(4), async {
        let mut look = tokio::time::interval(Duration::from_millis(200));
        loop {
            look.tick().await;
            let head: i64 =
                sqlx::query_scalar("select max(position) from events").fetch_one(&pool).await.unwrap();
            let reached: i64 =
                sqlx::query_scalar("select position from checkpoints where name = 'webhook_outbox'")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
            let pending: i64 =
                sqlx::query_scalar("select count(*) from webhook_deliveries where status <> 'succeeded'")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
            if reached == head && pending == 0 {
                return;
            }
        }
    });
    settled.await.expect("deliveries did not settle");
    let due: Vec<(String,)> = sqlx::query_as(
        "select event_id::text from events where event_type in ('consent.created', 'consent.revoked')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let rows: i64 =
        sqlx::query_scalar("select count(*) from webhook_deliveries").fetch_one(&pool).await.unwrap();
    assert_eq!(rows, i64::try_from(due.len()).unwrap(), "one row per event and endpoint");
    let heard: BTreeSet<_> = receiver.received().iter().map(|request| request.id().to_owned()).collect();
    let missing: Vec<_> = due
        .iter()
        .map(|(id,)| mobid_domain::id::EventId(id.parse().unwrap()).to_string())
        .filter(|id| !heard.contains(id))
        .collect();
    assert!(missing.is_empty(), "never received: {missing:?}");
}
