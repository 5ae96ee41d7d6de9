//! `GET /v1/clients`: newest first, deleted ones left out.

use axum::extract::State;
use mobid_projections::client as clients;

use crate::app::App;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::presentation::client::body;

pub async fn list(State(app): State<App>, mut query: Query) -> ApiResult {
    let limit = usize::try_from(query.limit()).unwrap_or(usize::MAX);
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let after = cursor.as_ref().map(|cursor| cursor.id.as_str());
    let mut found = clients::list(&app.pool, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let accounts: Vec<_> = found.iter().filter_map(|(_, folded)| folded.state.account()).collect();
    let used = app.keys.uses.last(&app.pool, accounts.iter().map(|account| account.key.key_id)).await?;
    let items: Vec<_> = accounts.iter().map(|account| body(account, used.get(&account.key.key_id))).collect();
    let next =
        accounts.last().map(|account| Cursor::after(account.created_at, &account.client_id.to_string()));
    ok("Clients", &Page { items, next_cursor: next.filter(|_| more).map(|cursor| cursor.encode()) })
}
