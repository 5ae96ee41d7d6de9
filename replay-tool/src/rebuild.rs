//! `replay-tool rebuild`: makes the rows of projections again from the log.

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use mobid_projections::projection::Projection;
use mobid_projections::registry;
use mobid_projections::stream::loader::LOAD_FROM;
use mobid_projections::stream::{checkpoint, reader, rebuild};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use crate::{Outcome, database, output};

/// Throw away the rows of a projection and make them again from the log.
///
/// Safe beside running servers: rows and checkpoint move together, and a server that follows the log goes on from
/// wherever this has come. Until it is done, lists that read these rows show less than there is; single resources
/// are answered from the log. Needs a role that owns the tables.
#[derive(clap::Args)]
pub struct Args {
    /// Which one; may be given several times.
    #[arg(long = "projection", required = true, value_name = "NAME", value_parser = names())]
    projections: Vec<String>,
    /// Events that one transaction applies.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(i64).range(1..=50_000))]
    batch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rebuilt {
    projection: &'static str,
    version: i32,
    position: i64,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(registry::projections().iter().map(|projection| projection.name()))
}

pub async fn run(args: Args, url: &str) -> anyhow::Result<Outcome> {
    let mut conn = database::open(url).await?;
    database::rebuild_alone(&mut conn).await?;
    for projection in registry::projections() {
        if args.projections.iter().any(|name| name == projection.name()) {
            let position = one(&mut conn, &database::options(url)?, projection.as_ref(), args.batch)
                .await
                .with_context(|| format!("rebuilding {}", projection.name()))?;
            let (projection, version) = (projection.name(), projection.version());
            output::line(&Rebuilt { projection, version, position })?;
        }
    }
    Ok(Outcome::Clean)
}

/// Up to the head as it is at the start: what comes later is the followers' own business.
async fn one(
    conn: &mut PgConnection,
    options: &PgConnectOptions,
    projection: &dyn Projection,
    batch: i64,
) -> anyhow::Result<i64> {
    let newest = checkpoint::newest_version(&mut *conn, projection.name()).await?;
    anyhow::ensure!(
        newest.is_none_or(|newest| newest <= projection.version()),
        "a newer version of it follows this log; use the replay-tool of that release"
    );
    let head = reader::head(&mut *conn).await?;
    rebuild::reset(conn, projection).await?;
    rebuild::load(conn, options, projection, head, LOAD_FROM).await?;
    let bar = output::progress(head, projection.name());
    let mut position =
        checkpoint::read(&mut *conn, projection.name(), projection.version()).await?.unwrap_or(0);
    while position < head {
        let reached = rebuild::step(conn, projection, batch).await?;
        anyhow::ensure!(reached > position, "somebody else moved the checkpoint back to {reached}");
        position = reached;
        bar.set_position(position.unsigned_abs());
    }
    bar.finish_and_clear();
    Ok(position)
}
