//! `replay-tool verify`: whether the log is whole and whether the read models say what it says.
//!
//! The order of looking makes it safe beside running servers, which append and apply meanwhile: first the
//! checkpoints, then the log's head, then events up to that head, then rows. So whatever a row lacks up to its
//! checkpoint is lacking, and a row that moved on is compared with the log at its own position.

mod aggregates;
mod deadlines;
mod finding;
mod models;
mod order;
mod rows;

use std::collections::BTreeMap;

use anyhow::Context;
use mobid_domain::client::Client;
use mobid_domain::consent::Consent;
use mobid_domain::leaf::vectors;
use mobid_domain::webhook::Endpoint;
use mobid_projections::stream::{failure, reader};
use mobid_projections::{expiry, registry};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Outcome, database, output};
use aggregates::Walk;
use finding::{Finding, Report};

/// Check the whole log, and every read model against it.
///
/// Of the log: positions 1, 2, 3 … without a gap, sequences likewise within each aggregate, time never backwards,
/// every event readable, every aggregate's events making sense in order. Of the read models and deadlines: each row
/// is what the log says, none is missing, none is too many. Findings come one a line, a summary last; with
/// `leavesSha256` two runs, or two copies of a log, can be compared: it is a hash over the leaves of all events up
/// to `events`.
///
/// Changes nothing, holds no long snapshot, needs the memory of one batch, and may run beside live servers.
#[derive(clap::Args)]
pub struct Args {
    /// Events and rows read at a time.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(i64).range(1..=50_000))]
    batch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    log_id: Uuid,
    epoch: i32,
    /// The last position that was looked at.
    events: i64,
    leaves_sha256: String,
    leaf_vectors: usize,
    aggregates: BTreeMap<&'static str, u64>,
    /// Where the followers stood before.
    checkpoints: BTreeMap<String, i64>,
    findings: u64,
}

#[derive(Serialize)]
struct Last {
    summary: Summary,
}

pub async fn run(args: Args, url: &str) -> anyhow::Result<Outcome> {
    // A tool that computes other leaves than everybody else has nothing to say.
    let leaf_vectors = vectors::check().context("this build computes wrong leaves")?;
    let mut conn = database::open_read_only(url).await?;
    database::keep_from_rebuilding(&mut conn).await?;
    let mut report = Report::default();

    let checkpoints = checkpoints(&mut conn).await?;
    let log = sqlx::query!("select id, epoch from log").fetch_one(&mut conn).await?;
    let head = reader::head(&mut conn).await?;
    for (follower, position) in checkpoints.iter().filter(|(_, position)| **position > head) {
        report.add(&Finding::CheckpointBeyondLog { follower, checkpoint: *position, head })?;
    }

    let mut look = Look { conn, head, batch: args.batch, report };
    let leaves_sha256 = order::check(&mut look, log.id).await?;
    let at = |name: &str| checkpoints.get(name).copied().unwrap_or(0);
    let mut aggregates = BTreeMap::new();
    aggregates.insert("client", clients(&mut look).await?);
    aggregates.insert("consent", consents(&mut look, at(rows::name::<Consent>()), at(expiry::NAME)).await?);
    aggregates.insert("webhook", endpoints(&mut look, at(rows::name::<Endpoint>())).await?);

    let findings = look.report.findings;
    output::line(&Last {
        summary: Summary {
            log_id: log.id,
            epoch: log.epoch,
            events: head,
            leaves_sha256,
            leaf_vectors,
            aggregates,
            checkpoints,
            findings,
        },
    })?;
    Ok(if findings == 0 { Outcome::Clean } else { Outcome::Findings })
}

/// What every part of looking needs.
pub struct Look {
    conn: PgConnection,
    /// The last position that is looked at.
    head: i64,
    batch: i64,
    report: Report,
}

/// Where every follower stands, by name; a projection that never ran stands at 0, where it owes nothing.
async fn checkpoints(conn: &mut PgConnection) -> anyhow::Result<BTreeMap<String, i64>> {
    let rows = sqlx::query!(
        "select distinct on (name) name, version, position from checkpoints order by name, version desc"
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut checkpoints: BTreeMap<_, _> = rows.iter().map(|row| (row.name.clone(), row.position)).collect();
    for projection in registry::projections() {
        let (name, version) = (projection.name(), projection.version());
        let newest = rows.iter().find(|row| row.name == name).map(|row| row.version);
        anyhow::ensure!(
            newest <= Some(version),
            "a newer version of {name} follows this log; use the replay-tool of that release"
        );
        if newest != Some(version) {
            // What an older version reached says nothing of this one's rows.
            checkpoints.remove(name);
            eprintln!("replay-tool: {name} has not followed this log yet, so no row of it is missed");
        }
    }
    for failure in failure::all(conn).await? {
        eprintln!(
            "replay-tool: {} stopped at position {}: {}",
            failure.name, failure.position, failure.error
        );
    }
    Ok(checkpoints)
}

async fn clients(look: &mut Look) -> anyhow::Result<u64> {
    let mut walk = Walk::<Client>::new(look, "clients");
    while walk.next(look).await?.is_some() {}
    Ok(walk.seen())
}

async fn consents(look: &mut Look, rows_at: i64, deadlines_at: i64) -> anyhow::Result<u64> {
    let mut walk = Walk::<Consent>::new(look, "consents");
    while let Some(batch) = walk.next(look).await? {
        rows::compare(look, rows_at, &batch).await?;
        deadlines::compare(look, deadlines_at, &batch).await?;
    }
    rows::without_events::<Consent>(look).await?;
    deadlines::without_events(look).await?;
    Ok(walk.seen())
}

async fn endpoints(look: &mut Look, rows_at: i64) -> anyhow::Result<u64> {
    let mut walk = Walk::<Endpoint>::new(look, "webhook endpoints");
    while let Some(batch) = walk.next(look).await? {
        rows::compare(look, rows_at, &batch).await?;
    }
    rows::without_events::<Endpoint>(look).await?;
    Ok(walk.seen())
}
