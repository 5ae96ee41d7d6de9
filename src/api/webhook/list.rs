//! `GET /v1/webhooks`: newest first, deleted ones left out.

use axum::extract::State;
use mobid_projections::webhook::{apply, query as endpoints};

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::http::read_model::caught_up;
use crate::presentation::webhook::body;
use crate::vault::Subject;

pub async fn list(client: ApiClient, State(app): State<App>, mut query: Query) -> ApiResult {
    let limit = query.limit();
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let after = cursor.as_ref().and_then(|cursor| Some((cursor.created_at()?, cursor.id.as_str())));
    let position = caught_up(&app, &client, apply::NAME).await?;
    let mut rows = endpoints::list(&app.pool, client.id, after, limit + 1).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let key = app.vault.key(client.id, Subject::Tenant).await?;
    let mut items = Vec::with_capacity(rows.len());
    let mut next = None;
    for (id, folded) in &rows {
        let Some(registration) = folded.state.registration() else { continue };
        items.push(body(id, registration, key.as_ref())?);
        next = Some(Cursor::after(registration.created_at, id).encode());
    }
    let next_cursor = next.filter(|_| more);
    Ok(ok("Webhook endpoints", &Page { items, next_cursor })?.position(position))
}
