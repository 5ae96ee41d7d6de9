//! What a key and its limits cost: `GET /v1/health` next to the same route with them off, at 64 connections, and with
//! the limits counted in Redis.
//!
//! All routes do the same, and there is the same around them; with a key the server also finds out whose it is, and
//! counts the request within limits of its client that it never reaches.

use anyhow::{Context as _, Result, ensure};

use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::http::CONNECTIONS;
use crate::load::{Connection, Plan, load};
use crate::process::{Serving, get};
use crate::redis::Redis;

const SECTION: &str = "guard";
const ROUTE: &str = "/v1/health";
/// The servers, each with a database of its own.
const OPEN: usize = 0;
const IN_PROCESS: usize = 1;
const IN_REDIS: usize = 2;
const DATABASES: [&str; 3] = ["bench_guard_open", "bench_guard", "bench_guard_redis"];

/// Each turn of one server.
#[derive(Default)]
struct Turns {
    rates: Vec<f64>,
    median: Vec<f64>,
    p99: Vec<f64>,
}

pub async fn run(bench: &Bench) -> Result<()> {
    for database in DATABASES {
        bench.cluster.product(database).await?.close().await;
    }
    let redis = Redis::start(bench.cluster.dir())?;
    let servers = [
        Serving::contestant(bench, "open", DATABASES[OPEN], &[]).await?,
        Serving::mobid(bench, DATABASES[IN_PROCESS]).await?,
        Serving::mobid_with(bench, DATABASES[IN_REDIS], &[("REDIS_URL", redis.url())]).await?,
    ];
    let requests = [
        get(ROUTE, ""),
        get(ROUTE, &limited_client(&servers[IN_PROCESS]).await?),
        get(ROUTE, &limited_client(&servers[IN_REDIS]).await?),
    ];
    let mut turns: [Turns; 3] = Default::default();
    for round in 0..bench.settings.rounds() * 2 {
        for turn in 0..servers.len() {
            let which = (turn + round) % servers.len();
            let plan = Plan {
                address: servers[which].address,
                connections: CONNECTIONS,
                warm_up: bench.settings.warm_up(),
                turn: bench.settings.turn(),
                pace: None,
            };
            let request = requests[which].clone();
            let driven = load(plan, move |_| request.clone()).await?;
            let milliseconds = |percent| percentile(&driven.latencies, percent).as_secs_f64() * 1e3;
            turns[which].rates.push(driven.rate);
            turns[which].median.push(milliseconds(50));
            turns[which].p99.push(milliseconds(99));
        }
    }
    record(bench, &turns)?;
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}

fn record(bench: &Bench, [open, in_process, in_redis]: &[Turns; 3]) -> Result<()> {
    let ratio = |name, against, ours: &Turns, theirs: &Turns| {
        bench.results.add(Figure::ratio(SECTION, name, against, &ours.rates, &theirs.rates))
    };
    ratio("GET /v1/health", "the same without a key and limits", in_process, open)?;
    ratio("GET /v1/health, limits in Redis", "limits in process", in_redis, in_process)?;
    for (name, turns) in [("limits in process", in_process), ("limits in Redis", in_redis)] {
        let plain = |what: &str, values: &[f64]| {
            bench.results.add(Figure::plain(SECTION, format!("GET /v1/health, {name}, {what}"), "ms", values))
        };
        plain("median", &turns.median)?;
        plain("p99", &turns.p99)?;
    }
    Ok(())
}

/// The key of a client with limits of each kind.
async fn limited_client(serving: &Serving) -> Result<String> {
    let body = r#"{"name":"Limited","plan":"enterprise","permissions":["consents:read"],
        "limits":{"perMinute":1000000000,"perDay":1000000000,"concurrent":1000000}}"#;
    let request = format!(
        "POST /v1/clients HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        serving.owner_key()?,
        body.len()
    );
    let created = Connection::open(serving.address).await?.send(request.as_bytes()).await?;
    ensure!(created.status == 200, "client: {}", String::from_utf8_lossy(&created.body));
    let created: serde_json::Value = serde_json::from_slice(&created.body)?;
    Ok(created["data"]["apiKey"].as_str().context("a new client gets a key")?.to_owned())
}
