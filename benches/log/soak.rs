//! Ten minutes under full load: does anything grow that should not?
//!
//! 48 connections POST (half of them to new recipients), 16 GET, and a subscriber answers every webhook. Every ten
//! seconds memory of the server, lag of each follower, deliveries that wait, and size and dead rows of each table are
//! noted; a figure is the mean of the last third as a multiple of the mean of the first third.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sqlx::{ConnectOptions as _, PgConnection};

use crate::bench::Bench;
use crate::figures::Figure;
use crate::http::post;
use crate::load::{Connection, Plan, load};
use crate::process::{Serving, get};
use crate::receiver;

const SECTION: &str = "soak";
const DATABASE: &str = "bench_soak";
const THIRD: &str = "its first third";

/// What grows with the log, being rows of its events or of the people in it.
const OF_THE_LOG: &[&str] =
    &["events", "consents", "deadlines", "vault_keys", "vault_subjects", "webhook_deliveries"];

/// By name, a value for each look.
type Series = BTreeMap<String, Vec<f64>>;

pub async fn run(bench: &Bench) -> Result<()> {
    let (whole, pause) = if bench.settings.quick {
        (Duration::from_secs(6), Duration::from_secs(1))
    } else {
        (Duration::from_mins(bench.settings.minutes), Duration::from_secs(10))
    };
    bench.cluster.product(DATABASE).await?.close().await;
    let serving = Serving::mobid(bench, DATABASE).await?;
    let key = serving.owner_key()?;
    let subscriber = receiver::start().await?;
    let id = prepare(&serving, &key, subscriber.address).await?;

    let plan = Plan {
        address: serving.address,
        connections: 48,
        warm_up: Duration::from_secs(1),
        turn: whole,
        pace: None,
    };
    let reading = Plan { connections: 16, ..plan.clone() };
    let path = format!("/v1/service/consents/{id}");
    let of = key.clone();
    let posts =
        tokio::spawn(load(plan, move |turn| post(&of, 1_000_000_000 + if turn % 2 == 0 { 0 } else { turn })));
    let gets = tokio::spawn(load(reading, move |_| get(&path, &key)));

    let mut conn = bench.cluster.options(DATABASE).connect().await?;
    let (mut series, began) = (Series::new(), Instant::now());
    let mut due = tokio::time::interval(pause);
    // The first tick comes at once, before there is anything to see.
    due.tick().await;
    while began.elapsed() < whole {
        due.tick().await;
        look(&mut conn, &serving, &mut series).await?;
    }
    let (posted, got) = (posts.await??, gets.await??);
    println!("{} deliveries reached the subscriber", subscriber.count());
    bench.results.add(Figure::plain(SECTION, "POST", "a second", &[posted.rate]))?;
    bench.results.add(Figure::plain(SECTION, "GET one", "a second", &[got.rate]))?;
    report(bench, &series)?;
    serving.stop().await
}

/// A subscriber, and a consent to be read.
async fn prepare(serving: &Serving, key: &str, subscriber: std::net::SocketAddr) -> Result<String> {
    let mut connection = Connection::open(serving.address).await?;
    let body = format!(r#"{{"url":"http://{subscriber}/hook","eventTypes":["consent.created"]}}"#);
    let request = format!(
        "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answered = connection.send(request.as_bytes()).await?;
    ensure!(answered.status == 200, "webhook: {}", String::from_utf8_lossy(&answered.body));
    let created = connection.send(&post(key, 1_234_567_890)).await?;
    let created: serde_json::Value = serde_json::from_slice(&created.body)?;
    Ok(created["data"]["id"].as_str().context("a created consent has an id")?.to_owned())
}

async fn look(conn: &mut PgConnection, serving: &Serving, series: &mut Series) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "sizes and counts far below 2^52")]
    let mut note = |name: String, value: i64| series.entry(name).or_default().push(value as f64);
    note("memory of the server".to_owned(), i64::try_from(serving.memory().now)?);
    let lags: Vec<(String, i64)> = sqlx::query_as(
        "select name, greatest(0, (select max(position) from events) - position) from checkpoints order by name",
    )
    .fetch_all(&mut *conn)
    .await?;
    for (follower, lag) in lags {
        note(format!("lag of {follower}, events"), lag);
    }
    let pending = sqlx::query_scalar("select count(*) from webhook_deliveries where status = 'pending'");
    note("deliveries that wait".to_owned(), pending.fetch_one(&mut *conn).await?);
    let tables: Vec<(String, i64, i64)> = sqlx::query_as(
        "select relname::text, pg_total_relation_size(relid), n_dead_tup from pg_stat_user_tables order by relname",
    )
    .fetch_all(&mut *conn)
    .await?;
    for (table, size, dead) in tables {
        if !OF_THE_LOG.contains(&table.as_str()) {
            note(format!("size of {table}"), size);
        }
        note(format!("dead rows of {table}"), dead);
    }
    Ok(())
}

/// Growth of each, and by name what grew.
fn report(bench: &Bench, series: &Series) -> Result<()> {
    let mut growing = Vec::new();
    for (name, values) in series {
        let third = values.len().div_ceil(3);
        let (first, last) = (mean(&values[..third]), mean(&values[values.len() - third..]));
        // A lag of some batches and a few dead rows come and go.
        let noise = if name.starts_with("size") || name.starts_with("memory") { 1e6 } else { 10_000.0 };
        if last > first * 1.1 + noise {
            growing.push(name.as_str());
        }
        if name.starts_with("memory") || name.starts_with("lag") || name.starts_with("deliveries") {
            // One more on both sides, since a lag may well be nothing.
            bench.results.add(Figure::ratio(SECTION, name.clone(), THIRD, &[last + 1.0], &[first + 1.0]))?;
        }
    }
    let named = if growing.is_empty() { "series".to_owned() } else { growing.join("; ") };
    #[expect(clippy::cast_precision_loss, reason = "some tens")]
    bench.results.add(Figure::plain(SECTION, "what grew that should not", &named, &[growing.len() as f64]))
}

fn mean(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some tens")]
    let count = values.len().max(1) as f64;
    values.iter().sum::<f64>() / count
}
