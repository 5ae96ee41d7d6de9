//! `GET /v1/service/consents`: newest first.

use axum::extract::State;
use mobid_domain::consent::Status;
use mobid_domain::handle::Handle;
use mobid_domain::slug::Slug;
use mobid_projections::consent::apply;
use mobid_projections::consent::query::{Filter, PageKey, PageOf};

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::http::read_model::caught_up;

pub async fn list(client: ApiClient, State(app): State<App>, mut query: Query) -> ApiResult {
    let status = query.take("status", "pending, approved, rejected, expired or revoked", Status::parse);
    let purpose = query.take("purpose", "a purpose", |text| text.parse::<Slug>().ok());
    let recipient =
        query.take("recipient", "a phone number or an email address", |text| text.parse::<Handle>().ok());
    let (created_after, created_before) = (query.time("createdAfter"), query.time("createdBefore"));
    let limit = query.limit();
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let position = caught_up(&app, &client, apply::NAME).await?;
    let user_id = match &recipient {
        None => None,
        Some(handle) => match app.vault.find_person(client.id, handle).await? {
            Some(user_id) => Some(user_id),
            None => return Ok(ok("Consent sessions", &Page::<()>::whole(vec![]))?.position(position)),
        },
    };
    let purpose = purpose.map(String::from);
    let filter = Filter { tenant: client.id, status, purpose, user_id, created_after, created_before };
    let after = cursor.and_then(|c| Some(PageKey { created_at: c.created_at()?, id: c.id }));
    Ok(app.listing.consents(PageOf { filter, after, limit }).await?.position(position))
}
