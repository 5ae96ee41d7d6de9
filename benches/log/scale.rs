//! Does it matter how long the log is? 10 k, 1 M and 10 M consents, each in a database of its own beside an empty one.
//!
//! The log comes in by COPY and the read model by the projections' own rebuild; reactors are set behind what was
//! loaded, as they would be in a log that grew. Then, in turns with a server (or event store) on the empty log:
//! GET one of all and the first page of a list at 64 connections (as fast as they are answered, where a latency is the
//! time in a queue for the cores, and at half of that rate), start-up, and creates at 64 in flight. GET one has its turns
//! once before its pages were read, when a latency is mostly the time in a queue for the disk, and then with what it
//! asks for in the system's cache, as it is in a server that has run for a while.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use mobid_projections::consent::query as consents;
use mobid_projections::registry;
use mobid_projections::stream::rebuild;
use sqlx::PgPool;

use crate::append::creation_rate;
use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::generate::{Lives, fill};
use crate::http::{CONNECTIONS, memory, settled};
use crate::load::{Plan, load};
use crate::ours::Ours;
use crate::process::{Serving, get};
use crate::replay::thousands;
use crate::sample::Sample;

const SECTION: &str = "scale";
const EMPTY: &str = "bench_scale_empty";
const FULL: &str = "bench_scale_full";
/// Events that a transaction of the rebuild applies.
const BATCH: i64 = 5_000;
/// Consents that one statement reads.
const READ: usize = 256;

pub async fn run(bench: &Bench) -> Result<()> {
    bench.cluster.product(EMPTY).await?.close().await;
    let sizes = if bench.settings.quick { vec![1_000, 5_000] } else { bench.settings.consents.clone() };
    for consents in sizes {
        let measured = size(bench, consents).await;
        // 10 M take some 25 GB, which the next size may need.
        bench.cluster.drop_database(FULL).await?;
        measured?;
    }
    Ok(())
}

async fn size(bench: &Bench, consents: u64) -> Result<()> {
    let pool = bench.cluster.product(FULL).await?;
    // The first start makes the owner, whose consents they will be.
    Serving::mobid(bench, FULL).await?.stop().await?;
    let tenant: String =
        sqlx::query_scalar("select aggregate_id from events where aggregate_type = 'client'")
            .fetch_one(&pool)
            .await?;
    let generated = fill(&pool, tenant.parse()?, consents, Lives::Pending).await?;
    project(&pool, generated.events).await?;

    let (name, rounds) = (format!("{} consents", thousands(consents)), bench.settings.rounds());
    start_up(bench, &name).await?;
    let sample = Arc::new(Sample::new()?);
    let full = Ours::new(pool.clone(), sample.clone());
    let empty_pool = mobid::database::connect(bench.cluster.options(EMPTY), 40).await?;
    let empty = Ours::new(empty_pool, sample);
    let (mut with, mut without) = (vec![], vec![]);
    for round in 0..rounds {
        // Each time in another order.
        if round % 2 == 0 {
            with.push(creation_rate(bench, &full).await?);
        }
        without.push(creation_rate(bench, &empty).await?);
        if round % 2 == 1 {
            with.push(creation_rate(bench, &full).await?);
        }
    }
    let create = format!("create, 64 in flight, {name}");
    bench.results.add(Figure::ratio(SECTION, create, "an empty log", &with, &without))?;
    reads(bench, &pool, &name, generated.ids).await
}

/// Read models as they would be by now.
async fn project(pool: &PgPool, head: i64) -> Result<()> {
    for projection in registry::projections() {
        let mut conn = pool.acquire().await?;
        while rebuild::step(&mut conn, projection.as_ref(), BATCH).await? < head {}
    }
    let names: Vec<_> =
        registry::projections().iter().map(|projection| projection.name().to_owned()).collect();
    sqlx::query("select set_checkpoint(name, version, position, $1) from checkpoints where name <> all ($2)")
        .bind(head)
        .bind(names)
        .execute(pool)
        .await?;
    sqlx::query("vacuum (analyze) consents").execute(pool).await?;
    sqlx::query("vacuum (analyze) deadlines").execute(pool).await?;
    Ok(())
}

async fn start_up(bench: &Bench, name: &str) -> Result<()> {
    let (mut longer, mut taken) = (vec![], vec![]);
    for _ in 0..bench.settings.rounds() {
        let (full, empty) = (started_in(bench, FULL).await?, started_in(bench, EMPTY).await?);
        longer.push(full.as_secs_f64() - empty.as_secs_f64());
        taken.push(full.as_secs_f64());
    }
    bench.results.add(Figure::plain(SECTION, format!("start-up, {name}"), "s", &taken))?;
    let name = format!("start-up, longer than with an empty log, {name}");
    bench.results.add(Figure::plain(SECTION, name, "s", &longer))
}

async fn started_in(bench: &Bench, database: &str) -> Result<Duration> {
    let serving = Serving::mobid(bench, database).await?;
    let started_in = serving.started_in;
    serving.stop().await?;
    Ok(started_in)
}

async fn reads(bench: &Bench, pool: &PgPool, name: &str, ids: Vec<String>) -> Result<()> {
    let serving = Serving::mobid(bench, FULL).await?;
    // What was created beside no server is not in its read model yet.
    settled(bench, FULL).await?;
    let key = serving.owner_key()?;
    let plan = Plan {
        address: serving.address,
        connections: CONNECTIONS,
        warm_up: bench.settings.warm_up(),
        turn: bench.settings.turn(),
        pace: None,
    };
    let (ids, of) = (Arc::new(ids), key.clone());
    let all = ids.clone();
    let one = move |_| {
        let random = u64::from_be_bytes(mobid::secret::random()) % all.len() as u64;
        let id = all.get(usize::try_from(random).unwrap_or(0)).map_or("", String::as_str);
        get(&format!("/v1/service/consents/{id}"), &of)
    };
    let list = move |_| get("/v1/service/consents", &key);
    let (mut unread, mut ones, mut lists) =
        (Latencies::default(), Latencies::default(), Latencies::default());
    unread.measure(&plan, one.clone()).await?;
    unread.report(bench, "GET one, never read before", name)?;
    read_all(pool, &ids).await?;
    for _ in 0..bench.settings.rounds() {
        ones.measure(&plan, one.clone()).await?;
        lists.measure(&plan, list.clone()).await?;
    }
    ones.report(bench, "GET one, read before", name)?;
    lists.report(bench, "first page of the list", name)?;
    memory(bench, &serving, &format!("{SECTION}, {name}")).context("memory")?;
    serving.stop().await
}

/// Fetches what a GET of each needs.
async fn read_all(pool: &PgPool, ids: &[String]) -> Result<()> {
    let reads = stream::iter(ids.chunks(READ))
        .map(Ok)
        .try_for_each_concurrent(8, async |ids| consents::current(pool, ids).await.map(drop));
    Ok(reads.await?)
}

/// By round, in milliseconds: at full load, and at half of what that came to.
#[derive(Default)]
struct Latencies {
    full: [Vec<f64>; 2],
    half: [Vec<f64>; 2],
}

impl Latencies {
    async fn measure<R>(&mut self, plan: &Plan, request: R) -> Result<()>
    where
        R: Fn(u64) -> Vec<u8> + Clone + Send + Sync + 'static,
    {
        let full = load(plan.clone(), request.clone()).await?;
        let half = load(Plan { pace: Some(full.rate / 2.0), ..plan.clone() }, request).await?;
        for (values, driven) in [(&mut self.full, full), (&mut self.half, half)] {
            for (values, per_cent) in values.iter_mut().zip([50, 99]) {
                values.push(percentile(&driven.latencies, per_cent).as_secs_f64() * 1e3);
            }
        }
        Ok(())
    }

    fn report(&self, bench: &Bench, what: &str, name: &str) -> Result<()> {
        for (load, values) in [("", &self.full), (" at half load", &self.half)] {
            for (per_cent, values) in ["p50", "p99"].iter().zip(values) {
                let name = format!("{what}, {per_cent}{load}, {name}");
                bench.results.add(Figure::plain(SECTION, name, "ms", values))?;
            }
        }
        Ok(())
    }
}
