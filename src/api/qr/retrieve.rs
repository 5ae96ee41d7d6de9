//! `GET /v1/qr/{id}`, now, as it was, or once it changes.

use axum::extract::State;
use mobid_domain::client::Permission;
use mobid_domain::id::QrId;

use super::found::{self, Found};
use crate::app::App;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::waiting::{Seen, for_change};
use crate::http::watching::{PARAMETER, Viewer};
use crate::watch;

const MESSAGE: &str = "QR code";

/// Who watches sees the status, and that as it is now alone.
pub async fn retrieve(
    viewer: Viewer,
    Id(id): Id<QrId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = if viewer.is_watcher() { None } else { query.as_of() };
    let wait = query.wait();
    query.take(PARAMETER, "a watch token", |_| Some(()));
    query.finish()?;
    if let Some(as_of) = as_of {
        if wait.is_some() {
            return Err(ApiError::bad_request("asOf and wait do not go together."));
        }
        let found = found::then(&app, &viewer, id, as_of).await?;
        return Ok(ok(MESSAGE, &found.shown(&app, id).body())?.version(found.sequence));
    }
    let found = match wait {
        None | Some(0) => found::now(&app, &viewer, id).await?,
        Some(seconds) => {
            viewer.give_place_back();
            let found = changed(&app, &viewer, id, seconds).await?;
            viewer.still_sees(&app, found.generation.client_id, Permission::QrWrite).await?;
            found
        }
    };
    let shown = found.shown(&app, id);
    if viewer.is_watcher() {
        return Ok(ok(MESSAGE, &shown.watched())?.version(found.sequence));
    }
    let mut body = shown.body();
    body.watch_token = Some(watch::token(app.vault.master(), &id.to_string(), found.now));
    Ok(ok(MESSAGE, &body)?.version(found.sequence))
}

/// The code once its status is another than at first, or when the time is up: scanned by its own event, used or expired
/// by what it refers to.
async fn changed(app: &App, viewer: &Viewer, id: QrId, seconds: u32) -> Result<Found, ApiError> {
    let generation = found::now(app, viewer, id).await?.generation;
    let client = generation.client_id;
    let of_code = viewer.wait_for(app, client, &id.to_string())?;
    let of_reference = viewer.wait_for(app, client, &generation.target.reference())?;
    for_change(app, vec![of_code, of_reference], seconds, || async move {
        let found = found::now(app, viewer, id).await?;
        let status = found.generation.status_at(found.now, found.reference.referred);
        let changes_at = found.generation.changes_at(found.reference.referred);
        Ok(Seen { status: status.as_str(), changes_at, is_final: status.is_final(), found })
    })
    .await
}
