//! The auditor's command line: reads the log itself, believes nothing else.
//!
//! stdout is data, one JSON object a line; stderr is talk. It knows the domain and the projections, not the server,
//! so that what the server says can be held against it.

mod database;
mod history;
mod kind;
mod output;
mod rebuild;
mod verify;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Events are read on one thread and let go on another, which took half of a verification's time in glibc's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Reads the log of mobid: shows histories, verifies log and read models, makes read models again.
///
/// Answers are JSON, one object a line, on stdout; progress and remarks go to stderr.
/// Personal data is sealed in the log and stays sealed here.
#[derive(Parser)]
#[command(name = "replay-tool", version, after_long_help = EXIT_CODES)]
struct Cli {
    /// The database that holds the log; a role that may only read will do for all but `rebuild`.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", long_help = DATABASE)]
    database_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

const DATABASE: &str = "\
The database that holds the log, as in postgres://auditor@db.example.com/mobid; a role that may only read will do for
all but `rebuild`. PGPASSWORD or ~/.pgpass can give the password, so that it stands in no list of processes.";

const EXIT_CODES: &str = "\
Exit codes:
  0  looked, and all is well
  1  looked, and there are findings (for `history`: there is no such thing in the log)
  2  could not look: wrong usage, no database, an event that cannot be applied";

#[derive(Subcommand)]
enum Command {
    History(history::Args),
    Verify(verify::Args),
    Rebuild(rebuild::Args),
}

/// What looking came to.
enum Outcome {
    Clean,
    Findings,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            if !output::is_closed(&error) {
                eprintln!("replay-tool: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let url = cli.database_url.context("which database? give --database-url or set DATABASE_URL")?;
    match cli.command {
        Command::History(args) => history::run(args, &url).await,
        Command::Verify(args) => verify::run(args, &url).await,
        Command::Rebuild(args) => rebuild::run(args, &url).await,
    }
}
