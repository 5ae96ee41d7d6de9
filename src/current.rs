//! Resources as they are now, read together by all who ask at the same time.

use mobid_domain::consent::Consent;
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query::{self as consents, Row};
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::warm::Warm;
use sqlx::PgPool;

use crate::rounds::Rounds;

/// Consents that one round looks for at the most.
const ROUND: usize = 256;

/// A single resource is exact on any instance: a read model's row counts only if it has the resource's last event; else
/// the log is folded.
#[derive(Clone)]
pub struct Current {
    pool: PgPool,
    consents: Rounds<String, Option<Row>>,
}

impl Current {
    pub fn start(pool: PgPool) -> Self {
        let warm = Warm::new(pool.clone());
        let consents = Rounds::start(1, ROUND, move |ids: Vec<String>| {
            let warm = warm.clone();
            async move {
                let mut conn = warm.take().await?;
                let rows = consents::current(&mut conn, &ids).await?;
                warm.keep(conn);
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
