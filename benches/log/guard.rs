//! What a key and its limits cost: `GET /v1/health` next to the same answer without a key, at 64 connections.
//!
//! Both are answered by the same server, which asks the database the same for either; with a key it also finds out whose
//! it is, and counts the request within limits of its client that it never reaches.

use anyhow::{Context as _, Result, ensure};

use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::http::CONNECTIONS;
use crate::load::{Connection, Plan, load};
use crate::process::{Serving, get};

const SECTION: &str = "guard";
const NEXT_TO: &str = "the same without a key and limits";
const WITH_KEY: &str = "/v1/health";
const WITHOUT: &str = "/health/ready";

pub async fn run(bench: &Bench) -> Result<()> {
    let database = "bench_guard";
    bench.cluster.product(database).await?.close().await;
    let serving = Serving::mobid(bench, database).await?;
    let key = limited_client(&serving).await?;
    let plan = Plan {
        address: serving.address,
        connections: CONNECTIONS,
        warm_up: bench.settings.warm_up(),
        turn: bench.settings.turn(),
        pace: None,
    };
    let (mut guarded, mut bare, mut p99) = (vec![], vec![], vec![]);
    for round in 0..bench.settings.rounds() * 2 {
        for turn in 0..2 {
            let path = [WITH_KEY, WITHOUT][(turn + round) % 2];
            let request = get(path, &key);
            let driven = load(plan.clone(), move |_| request.clone()).await?;
            if path == WITH_KEY {
                guarded.push(driven.rate);
                p99.push(percentile(&driven.latencies, 99).as_secs_f64() * 1e3);
            } else {
                bare.push(driven.rate);
            }
        }
    }
    bench.results.add(Figure::ratio(SECTION, "GET /v1/health", NEXT_TO, &guarded, &bare))?;
    bench.results.add(Figure::plain(SECTION, "GET /v1/health, p99", "ms", &p99))?;
    serving.stop().await
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
