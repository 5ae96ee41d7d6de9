//! Is the log fast, next to what one would use instead?
//!
//! `cargo bench --bench log` starts a Postgres of its own, configured as the embedded one is (every commit on disk),
//! lets the contestants take turns on it, a database each, and prints ratios: one a round, their minimum, median and
//! maximum. Absolute figures of a machine go to `target/bench/log.jsonl` only. `-- report` makes `benches/RESULTS.md`
//! and `benches/results.svg` of the newest of them; `-- --quick` runs everything, tiny, to see that it works.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock, and waits")]

mod append;
mod bench;
mod cluster;
mod contestant;
mod copy_in;
mod drive;
mod figures;
mod generate;
mod http;
mod load;
mod ours;
mod pgbench;
mod process;
mod replay;
mod route;
mod sample;
mod stock;
mod visible;

use clap::{Parser, ValueEnum};

use bench::{Bench, Settings};
use replay::Way;

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
    /// From an append's acknowledgement to its row in the read model.
    Visible,
    /// The consents read model made again, against COPY.
    CatchUp,
    /// `replay-tool verify` against COPY.
    Verify,
}

impl Section {
    const ALL: [Self; 5] = [Self::Append, Self::Http, Self::Visible, Self::CatchUp, Self::Verify];
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
    let sections = if args.sections.is_empty() { Section::ALL.to_vec() } else { args.sections };
    runtime.block_on(async {
        let bench = Bench::start(args.settings).await?;
        let measured = measure(&bench, &sections).await;
        bench.stop().await?;
        measured
    })
}

async fn measure(bench: &Bench, sections: &[Section]) -> anyhow::Result<()> {
    for section in sections {
        match section {
            Section::Append => append::run(bench).await?,
            Section::Http => http::run(bench).await?,
            Section::Visible => visible::run(bench).await?,
            Section::CatchUp => replay::run(bench, Way::CatchUp).await?,
            Section::Verify => replay::run(bench, Way::Verify).await?,
        }
    }
    Ok(())
}
