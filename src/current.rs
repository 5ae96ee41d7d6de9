//! Resources as they are now, read together by all who ask at the same time.

use mobid_domain::consent::Consent;
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query as consents;
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::Folded;
use sqlx::PgPool;

use crate::rounds::Rounds;

/// Rows that one round looks for at the most.
const ROUND: usize = 256;

/// Exact on any instance: a read model's row counts only if it has the resource's last event; else the log is folded.
#[derive(Clone)]
pub struct Current {
    pool: PgPool,
    consents: Rounds<String, Option<consents::Row>>,
}

impl Current {
    pub fn start(pool: PgPool) -> Self {
        let of_rounds = pool.clone();
        let consents = Rounds::start(ROUND, move |ids: Vec<String>| {
            let pool = of_rounds.clone();
            async move {
                let rows = consents::current(&pool, &ids).await?;
                Ok(ids.iter().map(|id| rows.get(id).cloned()).collect())
            }
        });
        Self { pool, consents }
    }

    pub async fn consent(&self, id: ConsentId) -> Result<Option<Folded<Consent>>, ApplyError> {
        match self.consents.ask(id.to_string()).await? {
            Some(row) => row.read().map(Some),
            None => consents::from_log(&self.pool, id).await,
        }
    }
}
