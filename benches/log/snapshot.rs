//! Our own speed while another session holds a snapshot, so that nothing that has died since may be pruned.
//!
//! Two databases take turns, each with a server and its followers: one with a session that holds a snapshot, one
//! without, as what a snapshot keeps it keeps in its own database only. Commands go straight to an event store, and
//! POSTs to the server; a figure is a turn's rate as a multiple of the other database's in the same round. Both logs
//! grow alike.

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
const HELD: &str = "bench_snapshot";
const FREE: &str = "bench_no_snapshot";
const NEXT_TO: &str = "itself without one";
/// Rounds that count as the last ones.
const LAST: usize = 3;

/// What takes turns.
struct Contestant {
    database: &'static str,
    ours: Ours,
    serving: Serving,
    key: String,
}

/// Rates of a turn.
#[derive(Clone, Copy)]
struct Rates {
    create: f64,
    post: f64,
}

/// With a snapshot held, and without.
type Round = (Rates, Rates);

pub async fn run(bench: &Bench) -> Result<()> {
    let (held_for, turn) = if bench.settings.quick {
        (Duration::from_secs(4), Duration::from_secs(1))
    } else {
        (Duration::from_mins(bench.settings.snapshot_minutes), Duration::from_secs(10))
    };
    let (held, free) = (Contestant::start(bench, HELD).await?, Contestant::start(bench, FREE).await?);
    // What comes first in the life of a log is behind both.
    let before = (held.turn(bench, turn).await?, free.turn(bench, turn).await?);

    let mut holder = bench.cluster.options(HELD).connect().await?;
    holder.execute("begin isolation level repeatable read read only").await?;
    // The snapshot is taken by the first statement.
    holder.execute("select count(*) from checkpoints").await?;
    let (began, mut rounds) = (Instant::now(), vec![]);
    while began.elapsed() < held_for {
        rounds.push(if rounds.len() % 2 == 0 {
            (held.turn(bench, turn).await?, free.turn(bench, turn).await?)
        } else {
            let without = free.turn(bench, turn).await?;
            (held.turn(bench, turn).await?, without)
        });
    }
    holder.execute("commit").await?;
    holder.close().await?;
    held.serving.stop().await?;
    free.serving.stop().await?;

    report(bench, "create, 64 in flight", before, &rounds, |rates| rates.create)?;
    report(bench, "POST, 64 connections", before, &rounds, |rates| rates.post)
}

impl Contestant {
    async fn start(bench: &Bench, database: &'static str) -> Result<Self> {
        let pool = bench.cluster.product(database).await?;
        let serving = Serving::mobid(bench, database).await?;
        let key = serving.owner_key()?;
        Ok(Self { database, ours: Ours::new(pool, Arc::new(Sample::new()?)), serving, key })
    }

    async fn turn(&self, bench: &Bench, turn: Duration) -> Result<Rates> {
        let create = creation_rate_for(bench, &self.ours, turn).await?;
        settled(bench, self.database).await?;
        let plan = Plan {
            address: self.serving.address,
            connections: CONNECTIONS,
            warm_up: bench.settings.warm_up(),
            turn,
            pace: None,
        };
        let key = self.key.clone();
        let post = load(plan, move |_| post(&key, 1_234_567_890)).await?.rate;
        settled(bench, self.database).await?;
        Ok(Rates { create, post })
    }
}

fn report(
    bench: &Bench,
    name: &str,
    before: Round,
    rounds: &[Round],
    rate: impl Fn(&Rates) -> f64,
) -> Result<()> {
    let add = |what: &str, rounds: &[Round]| {
        let (held, free): (Vec<_>, Vec<_>) =
            rounds.iter().map(|(held, free)| (rate(held), rate(free))).unzip();
        bench.results.add(Figure::ratio(SECTION, format!("{name}, {what}"), NEXT_TO, &held, &free))
    };
    add("before a snapshot is held", &[before])?;
    add("a snapshot held", rounds)?;
    add("a snapshot held, last rounds", &rounds[rounds.len().saturating_sub(LAST)..])
}
