//! `replay-tool verify`: whether the log is whole and whether the read models say what it says.
//!
//! The order of looking makes it safe beside running servers, which append and apply meanwhile: first the
//! checkpoints, then the log's head, then events up to that head, then rows. So whatever a row lacks up to its
//! checkpoint is lacking, and a row that moved on is compared with the log at its own position.

mod aggregates;
mod closely;
mod deadlines;
mod finding;
mod known;
mod models;
mod order;
mod rows;
mod sums;
mod tables;

use std::collections::BTreeMap;

use anyhow::Context;
use mobid_domain::leaf::vectors;
use mobid_projections::registry;
use mobid_projections::stream::ahead::Ahead;
use mobid_projections::stream::{failure, reader};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Outcome, database, output};
use finding::{Finding, Report};
use known::Known;
use sums::Sums;

/// Check the whole log, and every read model against it.
///
/// Of the log: positions 1, 2, 3 … without a gap, sequences likewise within each aggregate, time never backwards,
/// every event readable, every aggregate's events making sense in order. Of the read models and deadlines: each row
/// is what the log says, none is missing, none is too many. Findings come one a line, a summary last; with
/// `leavesSha256` two runs, or two copies of a log, can be compared: it is a hash over the leaves of all events up
/// to `events`.
///
/// Changes nothing, holds no long snapshot, needs the memory of a few batches, and may run beside live servers.
#[derive(clap::Args)]
pub struct Args {
    /// Rows read at a time; of events a fifth of that. A few times as many aggregates
    /// are held, which saves reading again what goes on.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=50_000))]
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

    let checkpoints = checkpoints(&mut conn).await?;
    let log = sqlx::query!("select id, epoch from log").fetch_one(&mut conn).await?;
    let head = reader::head(&mut conn).await?;
    let sequences_are_unique = sequences_are_unique(&mut conn).await?;
    let options = database::options(url)?;
    let report = Report::new(head);
    let mut look =
        Look { conn, options: options.clone(), head, batch: args.batch, sequences_are_unique, report };
    for (follower, position) in checkpoints.iter().filter(|(_, position)| **position > head) {
        look.report.add(&Finding::CheckpointBeyondLog { follower, checkpoint: *position, head })?;
    }

    let sums = Sums::new();
    let mut known = Known::new(checkpoints.clone(), sums.clone());
    let mut tables = JoinSet::new();
    tables.spawn(tables::found(sums, options.clone()));
    let ahead = Ahead::after(0, look.chunk(), options);
    let leaves_sha256 = order::check(&mut look, &mut known, log.id, ahead).await?;
    let found = tables.join_next().await.context("the tables were being read")???;
    known.finish(&mut look, found).await?;
    let aggregates = known.seen();
    look.report.finish();

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
    /// For those who need a connection of their own.
    options: PgConnectOptions,
    /// The last position that is looked at.
    head: i64,
    batch: i64,
    /// Whether the database still sees to it that a sequence is there once.
    sequences_are_unique: bool,
    report: Report,
}

impl Look {
    /// Events read at a time: several such chunks are on their way at once.
    fn chunk(&self) -> i64 {
        (self.batch / 5).max(1)
    }
}

/// Where every follower stands, by name; a projection that never ran stands at 0, where it owes nothing.
async fn checkpoints(conn: &mut PgConnection) -> anyhow::Result<BTreeMap<String, i64>> {
    let rows = sqlx::query!(
        r#"select distinct on (name) name as "name!", version as "version!", position as "position!"
           from checkpoints order by name, version desc"#
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

/// An index that was taken away, by whoever put a second first event into the log, cannot be made again over it.
async fn sequences_are_unique(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select 1 from pg_constraint c join pg_index i on i.indexrelid = c.conindid
               where c.conrelid = 'events'::regclass and c.contype = 'u' and i.indisvalid
                 and pg_get_constraintdef(c.oid) = 'UNIQUE (aggregate_type, aggregate_id, sequence)') as "unique!""#
    )
    .fetch_one(conn)
    .await
}
