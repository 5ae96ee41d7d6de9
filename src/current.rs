//! Resources as they are now, read together by all who ask at the same time.

use std::sync::Arc;

use chrono::{DateTime, Utc};
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

/// Consents with their ids, newest first.
type Page = Vec<(String, Folded<Consent>)>;
/// What all get who ask for the same page at the same time, or why it cannot be read.
type Shared = Result<Arc<Page>, Arc<ApplyError>>;

/// A single resource is exact on any instance: a read model's row counts only if it has the resource's last event; else
/// the log is folded. A page is as far as its read model is.
#[derive(Clone)]
pub struct Current {
    pool: PgPool,
    consents: Rounds<String, Option<Row>>,
    pages: Rounds<PageOf, Shared>,
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
        let pages = Rounds::start(2, PAGES, move |asked: Vec<PageOf>| {
            let warm = of_pages.clone();
            async move {
                let (pages, places) = each_once(asked);
                let mut conn = warm.take().await?;
                let found = consents::newest(&mut conn, &pages).await?;
                warm.keep(conn);
                let found: Vec<Shared> = found.into_iter().map(shared).collect();
                Ok(places.into_iter().filter_map(|place| found.get(place).cloned()).collect())
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

    /// A page of consents; `now` decides which of them have expired, where that is asked.
    pub async fn consents(&self, page: PageOf, now: DateTime<Utc>) -> Shared {
        if page.filter.is_narrow() {
            return shared(consents::narrowed(&self.pool, &page, now).await.map_err(unread)?);
        }
        self.pages.ask(page).await.map_err(unread)?
    }
}

fn unread(error: sqlx::Error) -> Arc<ApplyError> {
    Arc::new(error.into())
}

fn shared(rows: Vec<Row>) -> Shared {
    let page = rows.into_iter().map(|row| Ok((row.id.clone(), row.read()?))).collect::<Result<Page, _>>();
    page.map(Arc::new).map_err(Arc::new)
}

/// The pages that are asked for, and for each question which of them answers it.
fn each_once(asked: Vec<PageOf>) -> (Vec<PageOf>, Vec<usize>) {
    let mut pages: Vec<PageOf> = Vec::new();
    let mut place = |page: PageOf| {
        pages.iter().position(|known| *known == page).unwrap_or_else(|| {
            pages.push(page);
            pages.len() - 1
        })
    };
    let places = asked.into_iter().map(&mut place).collect();
    (pages, places)
}

#[cfg(test)]
mod tests {
    use mobid_domain::id::ClientId;
    use mobid_projections::consent::query::Filter;

    use super::*;
    use crate::ids::new_id;

    #[test]
    fn a_page_is_read_once_for_all_who_ask_for_it_and_for_nobody_else() {
        let page = |tenant, limit| {
            let (status, purpose, user_id, created_after, created_before) = (None, None, None, None, None);
            let filter = Filter { tenant, status, purpose, user_id, created_after, created_before };
            PageOf { filter, after: None, limit }
        };
        let (one, other) = (ClientId(new_id()), ClientId(new_id()));
        let asked = vec![page(one, 20), page(other, 20), page(one, 21), page(one, 20), page(other, 20)];
        let (pages, places) = each_once(asked.clone());
        assert_eq!(pages.len(), 3);
        let answered: Vec<_> = places.into_iter().map(|place| pages[place].clone()).collect();
        assert_eq!(answered, asked);
    }
}
