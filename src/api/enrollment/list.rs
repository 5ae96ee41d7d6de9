//! `GET /v1/enrollments`: newest first.

use axum::extract::State;
use mobid_domain::enrollment::Status;
use mobid_domain::handle::Handle;
use mobid_projections::enrollment::apply;
use mobid_projections::enrollment::query::{self as enrollments, Filter};

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::http::read_model::caught_up;
use crate::presentation::enrollment as present;

pub async fn list(client: ApiClient, State(app): State<App>, mut query: Query) -> ApiResult {
    let statuses = "pending, device_registered, completed, expired, failed or cancelled";
    let status = query.take("status", statuses, Status::parse);
    let recipient =
        query.take("recipient", "a phone number or an email address", |text| text.parse::<Handle>().ok());
    let limit = query.limit();
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let position = caught_up(&app, &client, apply::NAME).await?;
    let user_id = match &recipient {
        None => None,
        Some(handle) => match app.vault.find_person(client.id, handle).await? {
            Some(user_id) => Some(user_id),
            None => return Ok(ok("Enrollments", &Page::<()>::whole(vec![]))?.position(position)),
        },
    };
    let now = app.clock.now();
    let filter = Filter { tenant: client.id, now, status, user_id };
    let after = cursor.and_then(|c| Some((c.created_at()?, c.id)));
    let mut rows = enrollments::list(&app.pool, &filter, after.as_ref(), limit + 1).await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let sessions: Vec<_> =
        rows.iter().filter_map(|(id, folded)| Some((id, folded.state.session()?))).collect();
    let users = sessions.iter().map(|(_, session)| session.request.user_id);
    let keys = app.vault.keys(client.id, users).await?;
    let mut items = Vec::with_capacity(sessions.len());
    for (id, session) in &sessions {
        let key = keys.get(&session.request.user_id);
        items.push(present::body(&app.config.public_origin(), id, session, key, now)?);
    }
    let next = sessions.last().map(|(id, session)| Cursor::after(session.created_at, id).encode());
    let next_cursor = next.filter(|_| more);
    Ok(ok("Enrollments", &Page { items, next_cursor })?.position(position))
}
