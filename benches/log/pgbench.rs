//! pgbench inserting one row a transaction: what a Postgres gives to whoever asks for no more than durability.

use std::fs;

use anyhow::{Context, Result, ensure};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::bench::Bench;

const DATABASE: &str = "bench_pgbench";

/// The log's columns, but nothing to keep except the position: no unique sequence, no order, no gaplessness.
const SCHEMA: &str = "
create table rows (
    position bigint generated always as identity primary key,
    event_id uuid not null,
    tenant text not null,
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null,
    event_type text not null,
    event_version text not null,
    payload json not null,
    metadata json not null,
    recorded_at timestamptz not null
)";

/// The row that it inserts, but for what Postgres makes.
pub struct Row {
    pub payload: String,
    pub metadata: String,
}

const SCRIPT: &str = "insert into rows (event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, \
    event_version, payload, metadata, recorded_at) values (gen_random_uuid(), 'cl_01m82wbw9eeb9rn1hwnkx8tpvq', \
    'consent', 'cs_01m82wcjh1egv8qy8f6y7hv4m2', 1, 'consent.created', '1', :payload, :metadata, clock_timestamp());\n";

/// Its table, and its script.
pub async fn prepare(bench: &Bench) -> Result<()> {
    let mut conn = bench.cluster.database(DATABASE).await?.connect().await?;
    conn.execute(SCHEMA).await?;
    conn.close().await?;
    Ok(fs::write(bench.cluster.dir().join("insert.sql"), SCRIPT)?)
}

/// Transactions a second with so many clients.
pub async fn rate(bench: &Bench, clients: usize, row: &Row) -> Result<f64> {
    let mut command = bench.cluster.program("pgbench", DATABASE);
    command
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={clients}"))
        .arg(format!("--define=payload={}", row.payload))
        .arg(format!("--define=metadata={}", row.metadata))
        .arg(format!("--time={}", bench.settings.turn().as_secs()))
        .arg(format!("--file={}", bench.cluster.dir().join("insert.sql").display()));
    if clients == 1 {
        command.arg("--jobs=1");
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let report = String::from_utf8_lossy(&output.stdout);
    let line = report.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench named no tps")?;
    Ok(line.split_whitespace().next().context("an empty tps")?.parse()?)
}
