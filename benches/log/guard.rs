//! What a key and its limits cost: `GET /v1/health` next to the same route with them off, at 64 connections.
//!
//! Both routes do the same, and there is the same around them; with a key the server also finds out whose it is, and
//! counts the request within limits of its client that it never reaches.

use anyhow::{Context as _, Result, ensure};

use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::http::CONNECTIONS;
use crate::load::{Connection, Plan, load};
use crate::process::{Serving, get};

const SECTION: &str = "guard";
const GUARDED: &str = "bench_guard";
const OPEN: &str = "bench_guard_open";
const NEXT_TO: &str = "the same without a key and limits";

pub async fn run(bench: &Bench) -> Result<()> {
    for database in [GUARDED, OPEN] {
        bench.cluster.product(database).await?.close().await;
    }
    let serving = Serving::mobid(bench, GUARDED).await?;
    let open = Serving::contestant(bench, "open", OPEN, &[]).await?;
    let request = get("/v1/health", &limited_client(&serving).await?);
    let plan = |serving: &Serving| Plan {
        address: serving.address,
        connections: CONNECTIONS,
        warm_up: bench.settings.warm_up(),
        turn: bench.settings.turn(),
        pace: None,
    };
    let (mut guarded, mut bare, mut p99) = (vec![], vec![], vec![]);
    for round in 0..bench.settings.rounds() * 2 {
        for turn in 0..2 {
            let with_key = (turn + round) % 2 == 0;
            let request = request.clone();
            let driven =
                load(plan(if with_key { &serving } else { &open }), move |_| request.clone()).await?;
            if with_key {
                guarded.push(driven.rate);
                p99.push(percentile(&driven.latencies, 99).as_secs_f64() * 1e3);
            } else {
                bare.push(driven.rate);
            }
        }
    }
    bench.results.add(Figure::ratio(SECTION, "GET /v1/health", NEXT_TO, &guarded, &bare))?;
    bench.results.add(Figure::plain(SECTION, "GET /v1/health, p99", "ms", &p99))?;
    open.stop().await?;
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
