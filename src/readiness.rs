//! Whether the database answers and no follower was stopped, asked once by all who want to know at the same time:
//! readiness is told to who has no key, and must not cost a question to the database each time.

use std::time::Duration;

use mobid_projections::stream::failure;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::rounds::Rounds;

/// Askers that one round answers at the most.
const ROUND: usize = 4_096;
/// How long the database may take to answer for it to count as there: one that is cut off does not say so.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Readiness(Rounds<(), bool>);

impl Readiness {
    pub fn start(pool: PgPool) -> Self {
        Self(Rounds::start(1, ROUND, move |askers: Vec<()>| {
            let pool = pool.clone();
            async move {
                let well = failure::all(&pool).await?.is_empty();
                Ok(vec![well; askers.len()])
            }
        }))
    }

    pub async fn of_the_database(&self) -> bool {
        matches!(timeout(ANSWERED_WITHIN, self.0.ask(())).await, Ok(Ok(true)))
    }
}
