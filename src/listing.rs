//! Lists of consents: a page that several ask for at the same time is read, opened and written once.
//!
//! Promises: a page is never older than who asked for it, and is of the client it was asked for. Leaves to others:
//! whether they may see it.

use std::sync::Arc;

use mobid_projections::consent::query::{self as consents, PageOf, Row};
use mobid_projections::stream::warm::Warm;
use sqlx::PgPool;

use crate::clock::Clock;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::presentation::consent as present;
use crate::rounds::Rounds;
use crate::vault::Vault;

/// Questions that one round answers at the most, each with up to a hundred consents.
const ROUND: usize = 32;

#[derive(Clone)]
pub struct Listing {
    maker: Arc<Maker>,
    pages: Rounds<PageOf, ApiResult>,
}

/// What it takes to make a page.
struct Maker {
    pool: PgPool,
    warm: Warm,
    vault: Vault,
    clock: Clock,
    public_origin: String,
}

impl Listing {
    pub fn start(pool: PgPool, vault: Vault, clock: Clock, public_origin: String) -> Self {
        let maker = Arc::new(Maker { warm: Warm::new(pool.clone()), pool, vault, clock, public_origin });
        let of_rounds = maker.clone();
        let pages = Rounds::start(2, ROUND, move |asked| {
            let maker = of_rounds.clone();
            async move { maker.all(asked).await }
        });
        Self { maker, pages }
    }

    /// A page of consents as its client is answered. Of those with a status, a purpose or a recipient each is made on
    /// its own: they are many, and the planner has to look at each.
    pub async fn consents(&self, page: PageOf) -> ApiResult {
        // One more than is shown says whether there is a next page.
        let page = PageOf { limit: page.limit + 1, ..page };
        if page.filter.is_narrow() { self.maker.narrowed(page).await } else { self.pages.ask(page).await? }
    }
}

impl Maker {
    async fn all(&self, asked: Vec<PageOf>) -> Result<Vec<ApiResult>, sqlx::Error> {
        let (pages, places) = each_once(asked);
        let mut conn = self.warm.take().await?;
        let found = consents::newest(&mut conn, &pages).await?;
        self.warm.keep(conn);
        let mut made = Vec::with_capacity(pages.len());
        for (page, rows) in pages.iter().zip(found) {
            made.push(self.page(page, rows).await);
            // Many long pages are not to keep a core to themselves.
            tokio::task::yield_now().await;
        }
        Ok(places.into_iter().filter_map(|place| made.get(place).cloned()).collect())
    }

    async fn narrowed(&self, page: PageOf) -> ApiResult {
        let rows = consents::narrowed(&self.pool, &page, self.clock.now()).await?;
        self.page(&page, rows).await
    }

    async fn page(&self, page: &PageOf, rows: Vec<Row>) -> ApiResult {
        let (client, now) = (page.filter.tenant, self.clock.now());
        let shown = usize::try_from(page.limit - 1).unwrap_or_default();
        let more = rows.len() > shown;
        let mut consents = Vec::with_capacity(shown);
        for row in rows.iter().take(shown) {
            consents.push((&row.id, row.read()?.state));
        }
        let sessions: Vec<_> =
            consents.iter().filter_map(|(id, consent)| Some((*id, consent.session()?))).collect();
        let users = sessions.iter().map(|(_, session)| session.request.user_id);
        let keys = self.vault.keys(client, users).await?;
        let mut items = Vec::with_capacity(sessions.len());
        for (id, session) in &sessions {
            let key = keys.get(&session.request.user_id);
            items.push(present::body(&self.public_origin, id, session, key, now)?);
        }
        let next = sessions.last().map(|(id, session)| Cursor::after(session.created_at, id).encode());
        ok("Consent sessions", &Page { items, next_cursor: next.filter(|_| more) })
    }
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
