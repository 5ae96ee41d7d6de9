//! Reading the whole log: catch-up of the consents read model and `replay-tool verify`, next to Postgres' own COPY of
//! the same rows into nothing.
//!
//! Each runs in a process of its own, on the same database, in turns. Memory is the most that a process ever held
//! (`VmHWM`), at a tenth of the log and at all of it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use mobid_domain::id::ClientId;
use mobid_projections::registry;

use crate::bench::Bench;
use crate::figures::Figure;
use crate::generate::{Lives, fill};
use crate::process::{Memory, contestant, watched};

const COPY: &str = "COPY … TO STDOUT (format binary)";

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    CatchUp,
    Verify,
}

impl Way {
    fn section(self) -> &'static str {
        match self {
            Self::CatchUp => "catch-up",
            Self::Verify => "verify",
        }
    }
}

pub async fn run(bench: &Bench, way: Way) -> Result<()> {
    if way == Way::Verify {
        build_replay_tool().await?;
    }
    let all = if bench.settings.quick { 20_000 } else { bench.settings.events };
    let small = measure(bench, way, all / 10).await?;
    let large = measure(bench, way, all).await?;
    let name = format!("{} events", thousands(all));
    bench.results.add(Figure::ratio(way.section(), &name, COPY, &large.rates, &large.copies))?;
    for (events, measured) in [(all / 10, &small), (all, &large)] {
        let name = format!("memory at most, {} events", thousands(events));
        bench.results.add(Figure::plain(way.section(), name, "MiB", &measured.memory))?;
    }
    let name = format!("memory at most, {} events", thousands(all));
    bench.results.add(Figure::ratio(way.section(), name, "a tenth of the log", &large.memory, &small.memory))
}

#[derive(Default)]
struct Measured {
    rates: Vec<f64>,
    copies: Vec<f64>,
    memory: Vec<f64>,
}

async fn measure(bench: &Bench, way: Way, events: u64) -> Result<Measured> {
    let database = format!("bench_log_{events}");
    let count = log_of(bench, &database, events).await?;
    if way == Way::Verify {
        // With rows to be compared with the log.
        for projection in registry::projections() {
            catch_up(bench, &database, projection.name()).await?;
        }
    }
    let mut measured = Measured::default();
    for round in 0..bench.settings.rounds() {
        let mut ours = async || -> Result<()> {
            let (seconds, memory) = match way {
                Way::CatchUp => catch_up(bench, &database, "consents").await?,
                Way::Verify => verify(bench, &database).await?,
            };
            measured.rates.push(count / seconds);
            #[expect(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
            measured.memory.push(memory.most as f64 / f64::from(1 << 20));
            Ok(())
        };
        if round % 2 == 0 {
            ours().await?;
            let seconds = copy(bench, &database).await?;
            measured.copies.push(count / seconds);
        } else {
            let seconds = copy(bench, &database).await?;
            ours().await?;
            measured.copies.push(count / seconds);
        }
    }
    Ok(measured)
}

/// A database with about so many events, made once; how many it has.
async fn log_of(bench: &Bench, database: &str, events: u64) -> Result<f64> {
    let mut made = bench.made.lock().await;
    if let Some(count) = made.get(database) {
        return Ok(*count);
    }
    let pool = bench.cluster.product(database).await?;
    let consents = events * 10 / 18;
    let generated = fill(&pool, ClientId(mobid::ids::new_id()), consents, Lives::Mixed).await?;
    pool.close().await;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let count = generated.events as f64;
    made.insert(database.to_owned(), count);
    Ok(count)
}

/// Seconds from the first event to the last, all of the rows having been thrown away before.
async fn catch_up(bench: &Bench, database: &str, projection: &str) -> Result<(f64, Memory)> {
    let mut command = contestant(bench, "catch-up", database)?;
    command.args(["--projection", projection]);
    let (_, memory, stdout) = watched(command).await?;
    let seconds = stdout.lines().next().context("it prints its seconds")?;
    Ok((seconds.parse()?, memory))
}

async fn verify(bench: &Bench, database: &str) -> Result<(f64, Memory)> {
    let mut command = Command::new(replay_tool()?);
    command.args(["--database-url", &bench.cluster.url(database), "verify"]);
    let (elapsed, memory, _) = watched(command).await?;
    Ok((elapsed.as_secs_f64(), memory))
}

async fn copy(bench: &Bench, database: &str) -> Result<f64> {
    let mut command = bench.cluster.program("psql", database);
    let sql = "copy (select position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, \
               event_version, payload, metadata, recorded_at from events) to stdout (format binary)";
    command.args(["--no-psqlrc", "--command", sql]).stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let status = tokio::task::spawn_blocking(move || command.status()).await??;
    ensure!(status.success(), "psql ended with {status}");
    Ok(began.elapsed().as_secs_f64())
}

/// Beside the server's own program.
fn replay_tool() -> Result<std::path::PathBuf> {
    Ok(Path::new(env!("CARGO_BIN_EXE_mobid")).parent().context("a file in a directory")?.join("replay-tool"))
}

/// cargo builds no other package's program for a bench; as it is in the sources now, or its figures would be old.
async fn build_replay_tool() -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--locked", "--quiet", "--package", "replay-tool"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = tokio::task::spawn_blocking(move || command.status()).await??;
    ensure!(status.success(), "building the replay-tool: {status}");
    ensure!(
        replay_tool()?.exists(),
        "{} is not there: was this not built by cargo bench?",
        replay_tool()?.display()
    );
    Ok(())
}

/// 1 M, 100 k.
pub fn thousands(count: u64) -> String {
    match count {
        _ if count >= 1_000_000 && count.is_multiple_of(1_000_000) => format!("{} M", count / 1_000_000),
        _ if count >= 1_000 && count.is_multiple_of(1_000) => format!("{} k", count / 1_000),
        _ => count.to_string(),
    }
}
