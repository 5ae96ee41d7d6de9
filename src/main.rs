//! `mobid serve | migrate | owner-key | openapi | config`

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use mobid::clock::Clock;
use mobid::config::Config;
use mobid::server::{Database, Server, master_key};
use mobid::{database, openapi, owner, telemetry};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The open mobile-ID and consent backend.
///
/// Configured by MOBID_… variables or mobid.toml; `mobid config` prints what is in force.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API, the hosted pages and the workers behind them.
    Serve,
    /// Bring the database's schema up to date, and leave.
    Migrate,
    /// Print the owner's API key from its file in the data directory.
    OwnerKey,
    /// Print the API's `OpenAPI` document.
    Openapi,
    /// Print the configuration in force, without its secrets.
    Config,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mobid: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    // What is the same whatever the configuration.
    if matches!(args.command, Command::Openapi) {
        return Ok(std::io::stdout().write_all(openapi::text().as_bytes())?);
    }
    let config = Config::load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            Command::Serve => serve(config).await,
            Command::Migrate => migrate(config).await,
            Command::OwnerKey => owner_key(&config),
            Command::Openapi => Ok(()),
            Command::Config => print_config(&config),
        }
    })
}

async fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::start_logs(config.log_format);
    let metrics = telemetry::start_metrics()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let database = Database::open(&config).await?;
    database::migrate(&database.pool).await?;
    let master = master_key(&config)?;
    let data_dir = config.data_dir.clone();
    let server = Server::start(config, Clock::system(), database.pool.clone(), master, Some(metrics)).await?;
    let _ = announce(&server, &data_dir);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("not ready any more: serving until that is noticed");
    tokio::select! {
        () = server.drain() => {}
        // Whoever says it twice does not want to wait.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: answering what is under way");
    server.stop().await?;
    database.close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// What whoever started the server wants to know. The key goes to the terminal, never to the log.
/// Who started it may not listen any more: that is no reason to stop.
fn announce(server: &Server, data_dir: &std::path::Path) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    let admin = server.admin_address.map_or_else(|| "off".to_owned(), |address| address.to_string());
    tracing::info!(address = %server.address, admin, "serving");
    writeln!(stdout, "mobid listens on http://{}", server.address)?;
    if let Some(key) = &server.new_owner_key {
        let path = owner::path(data_dir);
        if stdout.is_terminal() {
            writeln!(stdout, "owner key (kept in {}): {}", path.display(), key.reveal())?;
        } else {
            writeln!(stdout, "owner key: kept in {}", path.display())?;
        }
        writeln!(stdout, "callback secret: kept in {}", owner::callback_secret_path(data_dir).display())?;
    }
    Ok(())
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    let database = Database::open(&config).await?;
    database::migrate(&database.pool).await?;
    database.close().await?;
    println!("the schema is up to date");
    Ok(())
}

fn owner_key(config: &Config) -> anyhow::Result<()> {
    let path = owner::path(&config.data_dir);
    let Some(key) = owner::read(&config.data_dir).with_context(|| path.display().to_string())? else {
        bail!("there is no {}: the first `mobid serve` makes it", path.display());
    };
    println!("{}", key.reveal());
    Ok(())
}

fn print_config(config: &Config) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(config)?);
    Ok(())
}
