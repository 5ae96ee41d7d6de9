//! `authenticate/complete` over HTTP against what it cannot do without: webauthn-rs's verification of one assertion,
//! on every core at once.
//!
//! The server, the load and Postgres share the same cores. Sessions are begun and assertions signed beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use webauthn_rs::prelude::{
    PasskeyAuthentication, PublicKeyCredential, RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder,
};

use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::http::settled;
use crate::load::{Connection, Plan, load};
use crate::process::Serving;

#[path = "../../tests/support/authenticator/software.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is made for tests, which ask more of it")]
mod software;

use software::Authenticator;

const SECTION: &str = "login";
const DATABASE: &str = "bench_login";
/// Where the owner's pages are at first.
const ORIGIN: &str = "http://localhost:8080";
/// A login commits twice, one after the other: this many at the same time keep the cores busy meanwhile.
const CONNECTIONS: usize = 256;
const USERS: usize = 1_024;

pub async fn run(bench: &Bench) -> Result<()> {
    bench.cluster.product(DATABASE).await?.close().await;
    let server = Serving::mobid(bench, DATABASE).await?;
    let key = server.owner_key()?;
    let mut users = register(&server, &key).await?;
    let alone = Arc::new(Alone::new()?);
    let (mut ours, mut theirs, mut p99) = (vec![], vec![], vec![]);
    for round in 0..bench.settings.rounds() {
        if round % 2 == 0 {
            theirs.push(alone.clone().rate(bench).await?);
        }
        // Nobody completes more than can be verified.
        let most = theirs.first().copied().unwrap_or(0.0)
            * (bench.settings.turn() + bench.settings.warm_up()).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "far below 2^52")]
        let prepared = prepare(&server, &key, &mut users, most as usize).await?;
        settled(bench, DATABASE).await?;
        let plan = Plan {
            address: server.address,
            connections: CONNECTIONS,
            warm_up: bench.settings.warm_up(),
            turn: bench.settings.turn(),
            pace: None,
        };
        let next = move |turn: u64| {
            let turn = usize::try_from(turn).unwrap_or(usize::MAX);
            prepared.get(turn).cloned().unwrap_or_default()
        };
        let driven = load(plan, next).await?;
        ours.push(driven.rate);
        p99.push(percentile(&driven.latencies, 99).as_secs_f64() * 1e3);
        settled(bench, DATABASE).await?;
        if round % 2 == 1 {
            theirs.push(alone.clone().rate(bench).await?);
        }
    }
    let verification = "webauthn-rs's verification alone, on every core";
    bench.results.add(Figure::ratio(SECTION, "authenticate/complete", verification, &ours, &theirs))?;
    bench.results.add(Figure::plain(SECTION, "authenticate/complete, p99".to_owned(), "ms", &p99))?;
    server.stop().await
}

fn post(key: &str, route: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST /v1/auth/fido/{route} HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn ask(connection: &mut Connection, key: &str, route: &str, body: &Value) -> Result<Value> {
    let answered = connection.send(&post(key, route, body)).await?;
    ensure!(answered.status == 200, "{route}: {}", String::from_utf8_lossy(&answered.body));
    Ok(serde_json::from_slice::<Value>(&answered.body)?["data"].take())
}

/// Users with a passkey each, which does not count, as those that are synchronised do not.
async fn register(server: &Serving, key: &str) -> Result<Vec<Authenticator>> {
    let mut connection = Connection::open(server.address).await?;
    let mut users = vec![];
    for n in 0..USERS {
        let begun =
            ask(&mut connection, key, "register/begin", &json!({ "userId": format!("user-{n}") })).await?;
        let mut authenticator = Authenticator::at(ORIGIN);
        authenticator.counter = None;
        let credential = authenticator.create(&begun["publicKey"]);
        let answer = json!({ "sessionId": begun["sessionId"], "credential": credential });
        ask(&mut connection, key, "register/complete", &answer).await?;
        users.push(authenticator);
    }
    Ok(users)
}

/// So many requests that complete a login, one user after the other.
async fn prepare(
    server: &Serving,
    key: &str,
    users: &mut [Authenticator],
    count: usize,
) -> Result<Vec<Vec<u8>>> {
    let beginning = (0..CONNECTIONS).map(|_| begin(server, key, count.div_ceil(CONNECTIONS)));
    let begun = futures::future::try_join_all(beginning).await?;
    let completed = begun.into_iter().flatten().zip((0..users.len()).cycle()).map(|(begun, user)| {
        let credential = users[user].get(&begun["publicKey"]);
        let answer = json!({ "sessionId": begun["sessionId"], "credential": credential });
        post(key, "authenticate/complete", &answer)
    });
    Ok(completed.collect())
}

async fn begin(server: &Serving, key: &str, count: usize) -> Result<Vec<Value>> {
    let mut connection = Connection::open(server.address).await?;
    let mut begun = Vec::with_capacity(count);
    for _ in 0..count {
        begun.push(ask(&mut connection, key, "authenticate/begin", &json!({})).await?);
    }
    Ok(begun)
}

/// Assertions with all that webauthn-rs wants to know of them.
struct Alone {
    webauthn: Webauthn,
    shown: Vec<(PublicKeyCredential, PasskeyAuthentication)>,
}

impl Alone {
    fn new() -> Result<Self> {
        let webauthn = WebauthnBuilder::new("localhost", &Url::parse(ORIGIN)?)?.build()?;
        let mut shown = vec![];
        for _ in 0..64 {
            let mut authenticator = Authenticator::at(ORIGIN);
            authenticator.counter = None;
            let (options, state) =
                webauthn.start_passkey_registration(Uuid::from_u128(7), "ann", "Ann", None)?;
            let made = authenticator.create(&json!(options.public_key));
            let made = RegisterPublicKeyCredential::deserialize(made)?;
            let passkey = webauthn.finish_passkey_registration(&made, &state)?;
            let (options, state) = webauthn.start_passkey_authentication(&[passkey])?;
            let answer = authenticator.get(&json!(options.public_key));
            shown.push((PublicKeyCredential::deserialize(answer)?, state));
        }
        Ok(Self { webauthn, shown })
    }

    /// Verifications a second, by as many threads as there are cores.
    async fn rate(self: Arc<Self>, bench: &Bench) -> Result<f64> {
        let turn = bench.settings.turn();
        let verified = Arc::new(AtomicU64::new(0));
        let cores = std::thread::available_parallelism()?.get();
        let began = Instant::now();
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                let (alone, verified) = (self.clone(), verified.clone());
                tokio::task::spawn_blocking(move || {
                    while began.elapsed() < turn {
                        for (answer, state) in &alone.shown {
                            alone.webauthn.finish_passkey_authentication(answer, state)?;
                        }
                        verified.fetch_add(alone.shown.len() as u64, Ordering::Relaxed);
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for thread in threads {
            thread.await.context("a thread that verifies")??;
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let verified = verified.load(Ordering::Relaxed) as f64;
        Ok(verified / began.elapsed().as_secs_f64())
    }
}
