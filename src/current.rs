//! Resources as they are now, read together by all who ask at the same time.

use mobid_domain::consent::Consent;
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query::{self as consents, PageOf, Row};
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::warm::Warm;
use sqlx::PgPool;

use crate::rounds::Rounds;

/// Consents that one round looks for at the most.
const ROUND: usize = 256;
/// Pages that one round reads at the most, each of up to a hundred rows.
const PAGES: usize = 16;

/// A single resource is exact on any instance: a read model's row counts only if it has the resource's last event; else
/// the log is folded. A page is as far as its read model is.
#[derive(Clone)]
pub struct Current {
    pool: PgPool,
    consents: Rounds<String, Option<Row>>,
    pages: Rounds<PageOf, Vec<Row>>,
}

impl Current {
    pub fn start(pool: PgPool) -> Self {
        let (of_rows, of_pages) = (Warm::new(pool.clone()), Warm::new(pool.clone()));
        let consents = Rounds::start(1, ROUND, move |ids: Vec<String>| {
            let warm = of_rows.clone();
            async move {
                let mut conn = warm.take().await?;
                let rows = consents::current(&mut conn, &ids).await?;
                warm.keep(conn);
                Ok(ids.iter().map(|id| rows.get(id).cloned()).collect())
            }
        });
        let pages = Rounds::start(2, PAGES, move |pages: Vec<PageOf>| {
            let warm = of_pages.clone();
            async move {
                let mut conn = warm.take().await?;
                let rows = consents::newest(&mut conn, &pages).await?;
                warm.keep(conn);
                Ok(rows)
            }
        });
        Self { pool, consents, pages }
    }

    pub async fn consent(&self, id: ConsentId) -> Result<Option<Folded<Consent>>, ApplyError> {
        match self.consents.ask(id.to_string()).await? {
            Some(row) => row.read().map(Some),
            None => consents::from_log(&self.pool, id).await,
        }
    }

    /// A page of consents with their ids, newest first.
    pub async fn consents(&self, page: PageOf) -> Result<Vec<(String, Folded<Consent>)>, ApplyError> {
        let rows = if page.filter.is_narrow() {
            consents::narrowed(&self.pool, &page).await?
        } else {
            self.pages.ask(page).await?
        };
        rows.into_iter().map(|row| Ok((row.id.clone(), row.read()?))).collect()
    }
}
