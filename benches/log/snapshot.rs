//! Our own speed while another session holds a snapshot, so that nothing that has died since may be pruned.
//!
//! A server with its followers runs all along. In turns, commands go straight to an event store and POSTs go to the
//! server; a figure is a turn's rate as a multiple of the rate before the snapshot was taken. The log grows meanwhile,
//! which a figure from after the snapshot was let go sets apart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::append::creation_rate_for;
use crate::bench::Bench;
use crate::figures::Figure;
use crate::http::{CONNECTIONS, post, settled};
use crate::load::{Plan, load};
use crate::ours::Ours;
use crate::process::Serving;
use crate::sample::Sample;

const SECTION: &str = "snapshot";
const DATABASE: &str = "bench_snapshot";
const BEFORE: &str = "itself before";
/// Turns that count as the last ones.
const LAST: usize = 3;

/// What takes turns, and how long a turn is.
struct Contest {
    ours: Ours,
    serving: Serving,
    key: String,
    turn: Duration,
}

/// Rates of one pair of turns.
struct Pair {
    create: f64,
    post: f64,
}

pub async fn run(bench: &Bench) -> Result<()> {
    let pool = bench.cluster.product(DATABASE).await?;
    let (held_for, turn) = if bench.settings.quick {
        (Duration::from_secs(4), Duration::from_secs(1))
    } else {
        (Duration::from_mins(bench.settings.snapshot_minutes), Duration::from_secs(20))
    };
    let serving = Serving::mobid(bench, DATABASE).await?;
    let key = serving.owner_key()?;
    let contest = Contest { ours: Ours::new(pool, Arc::new(Sample::new()?)), serving, key, turn };

    let before = contest.pair(bench).await?;
    let mut holder = bench.cluster.options(DATABASE).connect().await?;
    holder.execute("begin isolation level repeatable read read only").await?;
    // The snapshot is taken by the first statement.
    holder.execute("select count(*) from checkpoints").await?;
    let (began, mut during) = (Instant::now(), vec![]);
    while began.elapsed() < held_for {
        during.push(contest.pair(bench).await?);
    }
    holder.execute("commit").await?;
    holder.close().await?;
    let after = contest.pair(bench).await?;
    contest.serving.stop().await?;

    report(bench, "create, 64 in flight", &before, &during, &after, |pair| pair.create)?;
    report(bench, "POST, 64 connections", &before, &during, &after, |pair| pair.post)
}

impl Contest {
    async fn pair(&self, bench: &Bench) -> Result<Pair> {
        let create = creation_rate_for(bench, &self.ours, self.turn).await?;
        settled(bench, DATABASE).await?;
        let plan = Plan {
            address: self.serving.address,
            connections: CONNECTIONS,
            warm_up: bench.settings.warm_up(),
            turn: self.turn,
            pace: None,
        };
        let key = self.key.clone();
        let post = load(plan, move |_| post(&key, 1_234_567_890)).await?.rate;
        settled(bench, DATABASE).await?;
        Ok(Pair { create, post })
    }
}

fn report(
    bench: &Bench,
    name: &str,
    before: &Pair,
    during: &[Pair],
    after: &Pair,
    rate: impl Fn(&Pair) -> f64,
) -> Result<()> {
    let rates: Vec<_> = during.iter().map(&rate).collect();
    let last = rates.get(rates.len().saturating_sub(LAST)..).unwrap_or_default();
    let add = |what: &str, rates: &[f64]| {
        let before = vec![rate(before); rates.len()];
        bench.results.add(Figure::ratio(SECTION, format!("{name}, {what}"), BEFORE, rates, &before))
    };
    add("a snapshot held", &rates)?;
    add("a snapshot held, last turns", last)?;
    add("let go again", &[rate(after)])
}
