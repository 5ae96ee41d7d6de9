//! Our own speed while another session holds a snapshot, so that nothing that has died since may be pruned.
//!
//! Load runs all along; a figure is a minute's rate as a multiple of the rate before the snapshot was taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::append::creation_rate_for;
use crate::bench::Bench;
use crate::figures::Figure;
use crate::ours::Ours;
use crate::sample::Sample;

const DATABASE: &str = "bench_snapshot";

pub async fn run(bench: &Bench) -> Result<()> {
    let pool = bench.cluster.product(DATABASE).await?;
    let ours = Ours::new(pool, Arc::new(Sample::new()?));
    let (held_for, slice) = if bench.settings.quick {
        (Duration::from_secs(4), Duration::from_secs(2))
    } else {
        (Duration::from_mins(bench.settings.snapshot_minutes), Duration::from_mins(1))
    };
    let before = creation_rate_for(bench, &ours, slice).await?;
    let mut holder = bench.cluster.options(DATABASE).connect().await?;
    holder.execute("begin isolation level repeatable read read only").await?;
    // The snapshot is taken by the first statement.
    holder.execute("select count(*) from checkpoints").await?;
    let (began, mut during) = (Instant::now(), vec![]);
    while began.elapsed() < held_for {
        during.push(creation_rate_for(bench, &ours, slice).await?);
    }
    holder.execute("commit").await?;
    holder.close().await?;
    let after = creation_rate_for(bench, &ours, slice).await?;
    let last = during.split_off(during.len().saturating_sub(3));
    let whole = "create, 64 in flight, a snapshot held";
    let early = vec![before; during.len()];
    if !during.is_empty() {
        bench.results.add(Figure::ratio("snapshot", whole, "itself before", &during, &early))?;
    }
    let name = format!("{whole}, last minutes");
    bench.results.add(Figure::ratio("snapshot", name, "itself before", &last, &vec![before; last.len()]))?;
    bench.results.add(Figure::ratio(
        "snapshot",
        "create, 64 in flight, let go again",
        "itself before",
        &[after],
        &[before],
    ))
}
