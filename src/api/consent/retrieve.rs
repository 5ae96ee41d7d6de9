//! `GET /v1/service/consents/{id}`, now, as it was, or once it changes.

use axum::extract::State;
use mobid_domain::client::Permission;
use mobid_domain::consent::{Consent, Session, Status};
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::reader::AsOf;

use super::present;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::waiting::{Seen, for_change};
use crate::http::watching::{PARAMETER, Viewer};
use crate::presentation::consent::{is_final, watched};

/// Who watches sees the status, and that as it is now alone.
pub async fn retrieve(
    viewer: Viewer,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = if viewer.is_watcher() { None } else { query.as_of() };
    let wait = query.wait();
    query.take(PARAMETER, "a watch token", |_| Some(()));
    query.finish()?;
    if let Some(as_of) = as_of {
        return if wait.is_some() {
            Err(ApiError::bad_request("asOf and wait do not go together."))
        } else {
            then(&viewer, id, &app, as_of).await
        };
    }
    let found = match wait {
        None | Some(0) => app.current.consent(id).await?,
        Some(seconds) => {
            viewer.give_place_back();
            let found = changed(&app, &viewer, id, seconds).await?;
            if let Some(session) = found.as_ref().and_then(|folded| folded.state.session()) {
                viewer.still_sees(&app, session.request.client_id, Permission::ConsentsRead).await?;
            }
            found
        }
    };
    let (folded, session) = seen(&app, &viewer, found.as_ref()).await?;
    let (id, sequence, now) = (id.to_string(), folded.sequence, app.clock.now());
    if viewer.is_watcher() {
        return Ok(ok("Consent session", &watched(&id, session, now))?.version(sequence));
    }
    present::answer(&app, "Consent session", &id, session, sequence, now).await
}

/// As it was.
async fn then(viewer: &Viewer, id: ConsentId, app: &App, as_of: AsOf) -> ApiResult {
    let (now, found) = (app.clock.now(), consents::as_of(&app.pool, id, as_of).await?);
    let moment = if let AsOf::Time(time) = as_of { time.min(now) } else { now };
    let (folded, session) = seen(app, viewer, found.as_ref()).await?;
    let id = id.to_string();
    present::answer_as_of(app, "Consent session", &id, session, folded.sequence, moment).await
}

/// The consent, if there is one and it is this client's.
pub(super) fn own<'a>(
    client: &ApiClient,
    found: Option<&'a Folded<Consent>>,
) -> Result<(&'a Folded<Consent>, &'a Session), ApiError> {
    let folded = found.ok_or_else(ApiError::not_found)?;
    match folded.state.session() {
        Some(session) if session.request.client_id == client.id => Ok((folded, session)),
        _ => Err(ApiError::not_found()),
    }
}

/// The consent, if there is one and they may see it.
pub(super) async fn seen<'a>(
    app: &App,
    viewer: &Viewer,
    found: Option<&'a Folded<Consent>>,
) -> Result<(&'a Folded<Consent>, &'a Session), ApiError> {
    let folded = found.ok_or_else(ApiError::not_found)?;
    let session = folded.state.session().ok_or_else(ApiError::not_found)?;
    if viewer.sees(app, session.request.client_id).await? {
        Ok((folded, session))
    } else {
        Err(ApiError::not_found())
    }
}

/// The consent once its status is another than at first, or when the time is up.
async fn changed(
    app: &App,
    viewer: &Viewer,
    id: ConsentId,
    seconds: u32,
) -> Result<Option<Folded<Consent>>, ApiError> {
    let found = app.current.consent(id).await?;
    let (_, session) = seen(app, viewer, found.as_ref()).await?;
    let place = viewer.wait_for(app, session.request.client_id, &id.to_string())?;
    for_change(app, vec![place], seconds, || async move {
        let found = app.current.consent(id).await?;
        let (_, session) = seen(app, viewer, found.as_ref()).await?;
        let status = session.status_at(app.clock.now());
        let changes_at = (status == Status::Pending).then_some(session.request.expires_at);
        Ok(Seen { status: status.as_str(), changes_at, is_final: is_final(status), found })
    })
    .await
}
