//! `GET /v1/devices`: newest first.

use axum::extract::State;
use mobid_domain::device::Status;
use mobid_domain::id::UserId;
use mobid_domain::plain::is_plain;
use mobid_projections::device::apply;
use mobid_projections::device::query::{self as devices, Filter};

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::cursor::Cursor;
use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;
use crate::http::read_model::caught_up;
use crate::presentation::device::{body, holder};

pub async fn list(client: ApiClient, State(app): State<App>, mut query: Query) -> ApiResult {
    let reference = query.take("userId", "1 to 255 characters", |text| {
        let well_formed = (1..=255).contains(&text.chars().count()) && text.chars().all(is_plain);
        well_formed.then(|| text.to_owned())
    });
    let status = query.take("status", "active, blocked or deregistered", Status::parse);
    let limit = query.limit();
    let cursor = query.take("cursor", "a cursor that a list answered with", Cursor::decode);
    query.finish()?;
    let position = caught_up(&app, &client, apply::NAME).await?;
    let user_id = match &reference {
        None => None,
        Some(reference) => match app.vault.find_client_user(client.id, reference).await? {
            Some(user_id) => Some(user_id),
            // Whoever enrolled on the hosted page has no other name than ours.
            None if reference.parse::<UserId>().is_ok() => reference.parse().ok(),
            None => return Ok(ok("Devices", &Page::<()>::whole(vec![]))?.position(position)),
        },
    };
    let after = cursor.as_ref().and_then(|cursor| Some((cursor.created_at()?, cursor.id.as_str())));
    let filter = Filter { tenant: client.id, user_id, status };
    let mut rows = devices::list(&app.pool, filter, after, limit + 1).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let known: Vec<_> = rows.iter().filter_map(|(id, folded)| Some((id, folded.state.known()?))).collect();
    let keys = app.vault.keys(client.id, known.iter().map(|(_, device)| holder(device).1)).await?;
    let mut items = Vec::with_capacity(known.len());
    for (id, device) in &known {
        items.push(body(id, device, keys.get(&holder(device).1))?);
    }
    let next = known.last().map(|(id, device)| Cursor::after(device.registered_at, id).encode());
    let next_cursor = next.filter(|_| more);
    Ok(ok("Devices", &Page { items, next_cursor })?.position(position))
}
