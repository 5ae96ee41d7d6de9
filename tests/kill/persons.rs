//! Persons who enroll, approve by passkey and by code, and log in by QR code and on a client's own pages, while server
//! and database are killed: what they were shown is in the log, each of it once, and whoever was cut off gets there.
//!
//! `./test kill::persons` kills sixteen times. For longer, in seconds: `MOBID_TEST_PERSONS_SECONDS=1800 ./test kill::persons`.

mod log;
mod somebody;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::Victim;
use crate::pages::Page;
use crate::support::process::ServerProcess;
use crate::support::{Api, reference_body};
use somebody::{Errand, OwnUser, Somebody};

/// Persons at a time.
const WALKERS: u32 = 8;
const KILLS: usize = 16;
/// What is done from one kill to the next.
const BETWEEN_KILLS: usize = 10;

/// What persons and the client were shown, by id.
#[derive(Default)]
pub struct Shown {
    /// Enrollment, consent by passkey, login by QR code.
    walks: Vec<[String; 3]>,
    by_code: Vec<String>,
    /// Devices on the client's own pages.
    devices: Vec<String>,
    logins: usize,
    /// Persons who were told to come again later, and did not.
    gave_up: usize,
}

/// What all of them share.
pub struct Run {
    /// Of the client.
    api: Api,
    outbox: PathBuf,
    shown: Mutex<Shown>,
    done: AtomicUsize,
    /// Answers that did not come.
    lost: AtomicUsize,
    stop: AtomicBool,
}

/// What the API says.
pub struct Answer {
    status: u16,
    body: Value,
    /// Whether the same was sent before without an answer.
    sent_again: bool,
}

impl Run {
    /// An answer that says something; none where there was none, or only that it cannot be said now.
    fn heard(&self, answer: reqwest::Result<Page>) -> Option<Page> {
        let page = answer.ok().filter(|page| page.status < 500);
        if page.is_none() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        page
    }

    /// Sends a POST until it is answered.
    async fn ask(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let (mut pace, mut sent_again) = (tokio::time::interval(Duration::from_millis(20)), false);
        loop {
            pace.tick().await;
            let mut request = self.api.request(Method::POST, path).json(body);
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            let answered = async {
                let response = request.timeout(Duration::from_secs(20)).send().await.ok()?;
                Some((response.status().as_u16(), response.json::<Value>().await.ok()?))
            };
            if let Some((status, body)) = answered.await {
                let says = body["message"].as_str().unwrap_or_default();
                let not_yet =
                    status == 409 && (says.contains("being answered") || says.contains("keeps changing"));
                if status < 500 && !not_yet {
                    return Answer { status, body, sent_again };
                }
            }
            sent_again = true;
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn create(&self, path: &str, key: &str, body: &Value) -> Value {
        let made = self.ask(path, Some(key), body).await;
        assert_eq!(made.status, 200, "{path}: {}", made.body);
        made.body["data"].clone()
    }

    fn did(&self, what: impl FnOnce(&mut Shown)) {
        what(&mut self.shown.lock().unwrap());
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// A person's whole way: enrolls, approves, logs in. `None` if they were told to come again later.
    async fn walk(self: &Arc<Self>, number: u32) -> Option<()> {
        let (mut ann, recipient) = (Somebody::new(self, number), format!("ann{number}@example.com"));
        let key = |what: &str| format!("{what}-{number}");
        let made = self.create("/v1/enrollments", &key("enroll"), &json!({ "recipient": recipient })).await;
        let enrollment = text(&made["id"]);
        ann.go(&enrollment, &Errand::Enroll).await.then_some(())?;
        ann.send_again().await;
        let consent = self.consent(&key("passkey"), &recipient).await;
        ann.go(&consent, &Errand::ApproveByPasskey).await.then_some(())?;
        ann.send_again().await;
        let code = json!({ "type": "login", "expiresIn": 15 });
        let login = self.create("/v1/qr/generate", &key("login"), &code).await;
        ann.go(&text(&login["id"]), &Errand::LogIn(&text(&login["matchingNumber"]))).await.then_some(())?;
        ann.send_again().await;
        self.did(|shown| shown.walks.push([enrollment, consent, text(&login["id"])]));
        Some(())
    }

    /// Somebody without a passkey approves.
    async fn approve_by_code(self: &Arc<Self>, number: u32) -> Option<()> {
        let consent = self.consent(&format!("code-{number}"), &format!("bob{number}@example.com")).await;
        let mut bob = Somebody::new(self, number);
        bob.go(&consent, &Errand::ApproveByCode).await.then_some(())?;
        bob.send_again().await;
        self.did(|shown| shown.by_code.push(consent));
        Some(())
    }

    async fn consent(&self, key: &str, recipient: &str) -> String {
        let mut body = reference_body();
        body["recipient"] = json!(recipient);
        body["callbackUrl"] = Value::Null;
        text(&self.create("/v1/service/consents", key, &body).await["id"])
    }

    /// A user of the client's own registers and logs in twice.
    async fn own_user(self: &Arc<Self>, number: u32) {
        let mut carl = OwnUser::new(self, &format!("carl{number}"), number.is_multiple_of(2));
        let device = carl.ceremony(true, &format!("register-{number}")).await;
        for login in 0..2 {
            assert_eq!(carl.ceremony(false, &format!("login-{number}-{login}")).await, device);
        }
        self.did(|shown| {
            shown.devices.push(device);
            shown.logins += 2;
        });
    }

    /// One person after the other, until it is enough.
    async fn work(self: Arc<Self>, worker: u32) {
        for number in (worker..).step_by(WALKERS as usize) {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let gave_up = match number / WALKERS % 3 {
                0 => self.walk(number).await.is_none(),
                1 => self.approve_by_code(number).await.is_none(),
                _ => {
                    self.own_user(number).await;
                    false
                }
            };
            if gave_up {
                self.did(|shown| shown.gave_up += 1);
            }
        }
    }

    /// Waits until so much more is done.
    async fn goes_on(&self, more: usize) {
        let goal = self.done.load(Ordering::Relaxed) + more;
        let reached = tokio::time::timeout(Duration::from_mins(2), async {
            let mut look = tokio::time::interval(Duration::from_millis(5));
            while self.done.load(Ordering::Relaxed) < goal {
                look.tick().await;
            }
        });
        reached.await.expect("nobody gets on");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn victim(kill: usize) -> Victim {
    match kill % 4 {
        1 => Victim::Database,
        3 => Victim::Both,
        _ => Victim::Server,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_after_kill_each_person_gets_there_and_what_they_did_counts_once() {
    let seconds = std::env::var("MOBID_TEST_PERSONS_SECONDS").ok().map(|text| text.parse().unwrap());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut server = ServerProcess::new(&[]);
    server.start().await;
    let run = Arc::new(Run {
        api: server.api(),
        outbox: server.data_dir.join("outbox"),
        shown: Mutex::default(),
        done: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    });
    let workers: Vec<_> = (0..WALKERS).map(|worker| tokio::spawn(run.clone().work(worker))).collect();
    let mut kills = 0;
    while until.map_or(kills < KILLS, |until| Instant::now() < until) {
        run.goes_on(BETWEEN_KILLS).await;
        if victim(kills) != Victim::Server {
            server.kill_database();
        }
        if victim(kills) != Victim::Database {
            server.kill_server();
            server.start().await;
        }
        kills += 1;
    }
    run.goes_on(BETWEEN_KILLS).await;
    run.stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }

    let lost = run.lost.load(Ordering::Relaxed);
    assert!(lost >= kills, "{lost} answers were lost in {kills} kills: nobody was cut off");
    {
        let shown = run.shown.lock().unwrap();
        println!(
            "{kills} kills, {lost} lost answers: {} persons, {} approvals by code, {} own users with {} logins, {} gave up",
            shown.walks.len(),
            shown.by_code.len(),
            shown.devices.len(),
            shown.logins,
            shown.gave_up
        );
    }
    let shown = std::mem::take(&mut *run.shown.lock().unwrap());
    log::check(&server.pool().await, &shown).await;
    log::check_api(&run.api, &shown).await;
    server.verify_log();
    assert!(server.terminate().await);
}
