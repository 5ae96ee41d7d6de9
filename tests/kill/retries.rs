//! Each POST sent three times with the same `Idempotency-Key`, at two instances of which one is always being killed:
//! what was asked for is there once, and every retry got the first answer.
//!
//! `./test kill::retries` sends a few hundred, and kills after a number of answers. The full size, by the clock:
//! `MOBID_TEST_POSTS=10000 MOBID_TEST_KILL_SECONDS=2 ./test kill::retries`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::process::ServerProcess;
use crate::support::{Api, Reply, fresh_database, reference_body};

const POSTS: usize = 800;
const TRIES: usize = 3;
/// Kills of a run that kills by answers, as far as a restart is done before the next is due.
const KILLS: usize = 10;
const WORKERS: usize = 16;
/// After so many consents comes a POST that shows a secret, each kind of them in its turn.
const CONSENTS_BETWEEN: usize = 20;

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Which kind of POST the n-th is: 0 asks for consent, the others show a secret.
fn kind(number: usize) -> usize {
    let (round, place) = (number / (CONSENTS_BETWEEN + 1), number % (CONSENTS_BETWEEN + 1));
    if place == CONSENTS_BETWEEN { 1 + round % 4 } else { 0 }
}

/// What all workers share.
struct Run {
    /// Those for consent, and those that show a secret.
    posts: usize,
    /// The owner at each instance.
    instances: [Api; 2],
    client: String,
    begun: AtomicUsize,
    answered: AtomicUsize,
    replayed: AtomicUsize,
}

impl Run {
    /// What the n-th POST asks for.
    fn post(&self, number: usize) -> (String, Value) {
        match kind(number) {
            0 => {
                let mut body = reference_body();
                body["recipient"] = json!(format!("+49{number:09}"));
                body["callbackUrl"] = Value::Null;
                ("/v1/service/consents/search".to_owned(), body)
            }
            1 => ("/v1/clients".to_owned(), json!({ "name": "Made", "permissions": [] })),
            2 => (
                "/v1/webhooks".to_owned(),
                json!({ "url": "https://example.com/hook", "eventTypes": ["webhook.test"] }),
            ),
            3 => (format!("/v1/clients/{}/rotate-callback-secret", self.client), json!({})),
            _ => (format!("/v1/clients/{}/regenerate-key", self.client), json!({})),
        }
    }

    /// Sends POST after POST, each until it was answered three times.
    async fn work(&self) {
        loop {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            if number >= self.posts {
                return;
            }
            let (path, body) = self.post(number);
            let key = format!("post-{number}");
            let send = |attempt: usize| self.until_answered(number + attempt, &path, &key, &body);
            let answers = if number.is_multiple_of(3) {
                // The first two at the same time, at both instances.
                let (one, two) = tokio::join!(send(0), send(1));
                [one, two, send(2).await]
            } else {
                [send(0).await, send(1).await, send(2).await]
            };
            let first = &answers[0];
            assert_eq!(first.status, 200, "{path}: {}", first.text);
            for answer in &answers {
                assert_eq!((answer.status, &answer.text), (200, &first.text), "{path}");
            }
        }
    }

    /// Tries the instances in turn: one that is down, or whose answer got lost, is no answer.
    async fn until_answered(&self, turn: usize, path: &str, key: &str, body: &Value) -> Reply {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        for turn in turn.. {
            pace.tick().await;
            let api = &self.instances[turn % 2];
            let request = api.request(Method::POST, path).header("Idempotency-Key", key).json(body);
            let Ok(response) = request.timeout(Duration::from_secs(30)).send().await else { continue };
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let Ok(text) = response.text().await else { continue };
            let reply = Reply { status, headers, body: serde_json::from_str(&text).unwrap(), text };
            let in_flight = status == 409 && reply.text.contains("being answered");
            let contended = status == 409 && reply.header("retry-after") == "1";
            if status < 500 && !in_flight && !contended {
                self.answered.fetch_add(1, Ordering::Relaxed);
                if reply.header("idempotency-replayed") == "true" {
                    self.replayed.fetch_add(1, Ordering::Relaxed);
                }
                return reply;
            }
        }
        unreachable!()
    }

    async fn answered(&self, goal: usize) {
        let reached = tokio::time::timeout(Duration::from_mins(2), async {
            let mut look = tokio::time::interval(Duration::from_millis(2));
            while self.answered.load(Ordering::Relaxed) < goal {
                look.tick().await;
            }
        });
        reached.await.expect("no more answers");
    }

    fn is_done(&self) -> bool {
        self.answered.load(Ordering::Relaxed) >= self.posts * TRIES
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_after_kill_each_of_three_tries_gets_the_first_answer_and_nothing_is_there_twice() {
    let consents = setting("MOBID_TEST_POSTS").unwrap_or(POSTS);
    let posts = consents + consents / CONSENTS_BETWEEN;
    let database = fresh_database().await;
    let mut servers = [ServerProcess::over(&database, &[]), ServerProcess::over(&database, &[])];
    servers[0].start().await;
    servers[1].start().await;
    let owner = servers[0].api();
    let made = owner.post("/v1/clients", &json!({ "name": "Rotated", "permissions": [] })).await;
    let second = Api::new(format!("http://localhost:{}", servers[1].port), owner.key.clone());
    let run = Arc::new(Run {
        posts,
        instances: [owner, second],
        client: made.id(),
        begun: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        replayed: AtomicUsize::new(0),
    });
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let run = run.clone();
            tokio::spawn(async move { run.work().await })
        })
        .collect();

    let mut clock = setting("MOBID_TEST_KILL_SECONDS")
        .map(|seconds| tokio::time::interval(Duration::from_secs(u64::try_from(seconds).unwrap())));
    let mut kills = 0;
    while !run.is_done() && (clock.is_some() || kills < KILLS) {
        match &mut clock {
            Some(clock) => drop(clock.tick().await),
            None => run.answered(posts * TRIES * (kills + 1) / (KILLS + 1)).await,
        }
        if workers.iter().any(tokio::task::JoinHandle::is_finished) {
            break;
        }
        let victim = &mut servers[kills % 2];
        victim.kill_server();
        victim.start().await;
        kills += 1;
    }
    for worker in workers {
        worker.await.unwrap();
    }

    assert!(kills >= KILLS / 2, "killed {kills} times only");
    let replayed = run.replayed.load(Ordering::Relaxed);
    // Of a POST whose first answer was lost, all three are replays.
    assert!(replayed >= posts * (TRIES - 1) && replayed < posts * TRIES, "{replayed} replays");
    let pool = PgPool::connect(&database).await.unwrap();
    check_log(&pool, consents, posts).await;
    println!(
        "{posts} POSTs, {TRIES} tries each, {kills} kills, {} lost answers",
        replayed - posts * (TRIES - 1)
    );
    for server in &mut servers {
        assert!(server.terminate().await);
    }
}

async fn check_log(pool: &PgPool, consents: usize, posts: usize) {
    let count = async |event_type: &str| -> usize {
        let ids: Vec<String> = sqlx::query_scalar("select aggregate_id from events where event_type = $1")
            .bind(event_type)
            .fetch_all(pool)
            .await
            .unwrap();
        if event_type.ends_with(".created") {
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{event_type}");
        }
        ids.len()
    };
    let of_kind = |wanted: usize| (0..posts).filter(|number| kind(*number) == wanted).count();
    assert_eq!((count("consent.created").await, of_kind(0)), (consents, consents));
    // The owner, and the client whose secrets change.
    assert_eq!(count("client.created").await, of_kind(1) + 2);
    assert_eq!(count("webhook.created").await, of_kind(2));
    assert_eq!(count("client.callback_secret_rotated").await, of_kind(3));
    assert_eq!(count("client.key_regenerated").await, of_kind(4));
    let records: i64 =
        sqlx::query_scalar("select count(*) from idempotency_records").fetch_one(pool).await.unwrap();
    assert_eq!(usize::try_from(records).unwrap(), posts);
}
