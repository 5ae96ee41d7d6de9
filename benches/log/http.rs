//! POST over HTTP at 64 connections: `mobid serve` as it is, the same store behind a bare route, postgres-es behind
//! that route.
//!
//! The server, the load and Postgres share the machine's cores. Ours has its followers running all along, so that what
//! was created can be listed, counted, and told to subscribers. What stands on postgres-es has nothing to keep but its
//! table; or also the read model that postgres-es brings, one row for each consent and no index but its key.

use std::time::Duration;

use anyhow::Result;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::bench::Bench;
use crate::drive::{Driven, percentile};
use crate::figures::Figure;
use crate::load::{Plan, load};
use crate::process::Serving;
use crate::stock;

pub const SECTION: &str = "http";
pub const CONNECTIONS: usize = 64;
const STOCK: &str = "the same route on stock postgres-es";
const STOCK_READ_MODEL: &str = "the same route on stock postgres-es with its read model";
const BARE: &str = "itself without authentication and sealing";

/// Who takes turns.
const KNOWN: usize = 0;
const NEW: usize = 1;
const PLAIN: usize = 2;
const ON_STOCK: usize = 3;
const ON_STOCK_READ_MODEL: usize = 4;
const TURNS: usize = 5;

pub async fn run(bench: &Bench) -> Result<()> {
    for database in ["bench_http", "bench_http_plain"] {
        bench.cluster.product(database).await?.close().await;
    }
    for database in ["bench_http_stock", "bench_http_stock_read_model"] {
        stock::prepare(&bench.cluster.database(database).await?).await?;
    }
    let connections = bench.settings.stock_pool.unwrap_or(32).to_string();
    let connections = ["--connections".to_owned(), connections, "--read-model".to_owned()];
    let mobid = Serving::mobid(bench, "bench_http").await?;
    let plain = Serving::contestant(bench, "plain", "bench_http_plain", &[]).await?;
    let on_stock = Serving::contestant(bench, "stock", "bench_http_stock", &connections[..2]).await?;
    let with_read_model =
        Serving::contestant(bench, "stock", "bench_http_stock_read_model", &connections).await?;
    let key = mobid.owner_key()?;

    let (mut rates, mut p99): ([Vec<f64>; TURNS], [Vec<f64>; TURNS]) = Default::default();
    let mut recipients = 1_000_000_000;
    for round in 0..bench.settings.rounds() {
        for turn in 0..TURNS {
            let which = (turn + round) % TURNS;
            let server = [&mobid, &mobid, &plain, &on_stock, &with_read_model][which];
            // More than a turn can use up.
            recipients += 10_000_000;
            let first = if which == NEW { Some(recipients) } else { None };
            let driven = posts(bench, server, &key, first).await?;
            // What its followers have left to do is not to burden the next.
            if which != ON_STOCK && which != ON_STOCK_READ_MODEL {
                let database = if which == PLAIN { "bench_http_plain" } else { "bench_http" };
                settled(bench, database).await?;
            }
            rates[which].push(driven.rate);
            p99[which].push(percentile(&driven.latencies, 99).as_secs_f64() * 1e3);
        }
    }
    for (which, name) in [(KNOWN, "POST, known recipient"), (NEW, "POST, new recipients")] {
        let ours = &rates[which];
        bench.results.add(Figure::ratio(SECTION, name, STOCK, ours, &rates[ON_STOCK]))?;
        let theirs = &rates[ON_STOCK_READ_MODEL];
        bench.results.add(Figure::ratio(SECTION, name, STOCK_READ_MODEL, ours, theirs))?;
        bench.results.add(Figure::ratio(SECTION, name, BARE, ours, &rates[PLAIN]))?;
        bench.results.add(Figure::plain(SECTION, format!("{name}, p99"), "ms", &p99[which]))?;
    }
    let bare = "POST, without authentication and sealing";
    bench.results.add(Figure::ratio(SECTION, bare, STOCK, &rates[PLAIN], &rates[ON_STOCK]))?;
    memory(bench, &mobid, SECTION)?;
    for server in [mobid, plain, on_stock, with_read_model] {
        server.stop().await?;
    }
    Ok(())
}

/// Waits until every follower has what is in the log now.
pub async fn settled(bench: &Bench, database: &str) -> Result<()> {
    let mut conn = bench.cluster.options(database).connect().await?;
    let head: i64 = sqlx::query_scalar("select max(position) from events").fetch_one(&mut conn).await?;
    loop {
        let reached: i64 =
            sqlx::query_scalar("select min(position) from checkpoints").fetch_one(&mut conn).await?;
        if reached >= head {
            return Ok(conn.close().await?);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One turn of POSTs, to a known recipient or to new ones from here on.
pub async fn posts(
    bench: &Bench,
    server: &Serving,
    key: &str,
    first_recipient: Option<u64>,
) -> Result<Driven> {
    let plan = Plan {
        address: server.address,
        connections: CONNECTIONS,
        warm_up: bench.settings.warm_up(),
        turn: bench.settings.turn(),
        pace: None,
    };
    let key = key.to_owned();
    load(plan, move |turn| post(&key, first_recipient.map_or(1_234_567_890, |first| first + turn))).await
}

/// The reference's request.
pub fn post(key: &str, recipient: u64) -> Vec<u8> {
    let body = format!(
        r#"{{"recipient":"+{recipient}","purpose":"identity_verification","scope":["name","email","phone"],"callbackUrl":"https://yourapp.com/callback"}}"#
    );
    format!(
        "POST /v1/service/consents HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What server and database hold just now.
pub fn memory(bench: &Bench, server: &Serving, section: &str) -> Result<()> {
    let (server, database) = (server.memory(), bench.cluster.memory()?);
    let add = |name, bytes: u64| {
        #[expect(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
        bench.results.add(Figure::plain(section, name, "MiB", &[bytes as f64 / f64::from(1 << 20)]))
    };
    add("memory of the server", server.now)?;
    add("memory of the server, at most", server.most)?;
    add("memory of the database, shared counted once", database)
}
