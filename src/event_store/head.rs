//! The log's head, asked of the primary once by all who want to know it at the same time.

use mobid_projections::stream::warm::Warm;
use sqlx::{PgExecutor, PgPool};

use crate::rounds::Rounds;

/// How far the log goes, and whether all that follow it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The last position.
    pub log: i64,
    /// The last position of an event about any client.
    pub clients: i64,
    /// Whether a follower was stopped by an event that it could not apply.
    pub a_follower_failed: bool,
}

/// Askers that one round answers at the most.
const ROUND: usize = 4_096;

/// Never answers with what was so before it was asked.
#[derive(Clone)]
pub struct HeadReader(Rounds<(), Heads>);

impl HeadReader {
    pub fn start(pool: PgPool) -> Self {
        let warm = Warm::new(pool);
        Self(Rounds::start(1, ROUND, move |askers: Vec<()>| {
            let warm = warm.clone();
            async move {
                let mut conn = warm.take().await?;
                let heads = read(&mut conn).await?;
                warm.keep(conn);
                Ok(vec![heads; askers.len()])
            }
        }))
    }

    pub async fn read(&self) -> Result<Heads, sqlx::Error> {
        self.0.ask(()).await
    }
}

async fn read(db: impl PgExecutor<'_>) -> Result<Heads, sqlx::Error> {
    sqlx::query_as!(
        Heads,
        r#"select coalesce((select max(position) from events), 0) as "log!",
                  coalesce((select max(position) from events where aggregate_type = 'client'), 0) as "clients!",
                  exists (select from projection_failures) as "a_follower_failed!""#
    )
    .fetch_one(db)
    .await
}
