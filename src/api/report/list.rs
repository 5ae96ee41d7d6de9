//! `GET /v1/reports`: newest first, of all clients.

use axum::extract::State;
use mobid_domain::person::TENANT;
use mobid_projections::report as reports;

use crate::app::App;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::presentation::report::body;
use crate::vault::Subject;

pub async fn list(State(app): State<App>, mut query: Query) -> ApiResult {
    let limit = query.limit();
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let after = cursor.as_ref().map(|cursor| cursor.id.as_str());
    let mut found = reports::list(&app.pool, after, limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let filed: Vec<_> = found.iter().filter_map(|(id, report)| Some((id, report.filing()?))).collect();
    let mut items = Vec::with_capacity(filed.len());
    for (id, filing) in &filed {
        let key = app.vault.key(TENANT, Subject::Own(filing.person_id)).await?;
        items.push(body(id, filing, key.as_ref())?);
    }
    let next = filed.last().map(|(id, filing)| Cursor::after(filing.at, id).encode());
    ok("Reports", &Page { items, next_cursor: next.filter(|_| more) })
}
