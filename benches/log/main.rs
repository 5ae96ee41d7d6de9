//! Is the log fast, next to what one would use instead?
//!
//! `cargo bench --bench log` starts a Postgres of its own, configured as the embedded one is (every commit on disk),
//! lets the contestants take turns on it, a database each, and prints ratios: one a round, their minimum, median and
//! maximum. Absolute figures of a machine go to `target/bench/log.jsonl` only. `-- report` makes `benches/RESULTS.md`
//! and `benches/results.svg` of the newest of them and of those that `benches/results.jsonl` keeps; `-- --quick` runs
//! everything, tiny, to see that it works.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock, and waits")]

mod append;
mod bench;
mod bounds;
mod cluster;
mod contestant;
mod copy_in;
mod drive;
mod figures;
mod generate;
mod guard;
mod http;
mod load;
mod login;
mod ours;
mod pgbench;
mod plot;
mod process;
mod receiver;
mod redis;
mod replay;
mod report;
mod route;
mod sample;
mod scale;
mod snapshot;
mod soak;
mod stock;
mod visible;

use clap::{Parser, ValueEnum};

use bench::{Bench, Settings};
use replay::Way;

/// The server's, and so every contestant's that runs in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the log next to stock postgres-es, pgbench and COPY.
#[derive(Parser)]
#[command(bin_name = "cargo bench --bench log --")]
struct Args {
    /// What to measure, in this order; everything if none is named.
    sections: Vec<Section>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The event store against postgres-es and pgbench.
    Append,
    /// POST over HTTP, with and without authentication and sealing, against the same route on postgres-es.
    Http,
    /// `GET /v1/health` with a key and limits against the same without.
    Guard,
    /// A login by passkey over HTTP against the verification of its signature alone.
    Login,
    /// From an append's acknowledgement to its row in the read model.
    Visible,
    /// The consents read model made again, against COPY.
    CatchUp,
    /// `replay-tool verify` against COPY.
    Verify,
    /// How speed, start-up and reads fare at 10 k, 1 M and 10 M consents.
    Scale,
    /// Appending while another session holds a snapshot.
    Snapshot,
    /// Full load for ten minutes: what grows.
    Soak,
    /// Write benches/RESULTS.md and benches/results.svg of what was measured last.
    Report,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Started by itself, as another contestant.
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("contestant") {
        let contestant = contestant::Contestant::parse_from(std::env::args().skip(1));
        return runtime.block_on(contestant::run(contestant));
    }
    let args = Args::parse();
    let sections = if args.sections.is_empty() { Section::value_variants().to_vec() } else { args.sections };
    let quick = args.settings.quick;
    let (reports, to_measure): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|section| *section == Section::Report);
    if !to_measure.is_empty() {
        runtime.block_on(async {
            let bench = Bench::start(args.settings).await?;
            let outcome = measure(&bench, &to_measure).await;
            bench.stop().await?;
            outcome
        })?;
    }
    if reports.is_empty() { Ok(()) } else { report::write(quick) }
}

async fn measure(bench: &Bench, sections: &[Section]) -> anyhow::Result<()> {
    for section in sections {
        match section {
            Section::Append => append::run(bench).await?,
            Section::Http => http::run(bench).await?,
            Section::Guard => guard::run(bench).await?,
            Section::Login => login::run(bench).await?,
            Section::Visible => visible::run(bench).await?,
            Section::CatchUp => replay::run(bench, Way::CatchUp).await?,
            Section::Verify => replay::run(bench, Way::Verify).await?,
            Section::Scale => scale::run(bench).await?,
            Section::Snapshot => snapshot::run(bench).await?,
            Section::Soak => soak::run(bench).await?,
            Section::Report => {}
        }
    }
    Ok(())
}
