//! `GET /v1/service/consents/{id}`, now, as it was, or once it changes.

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::client::Permission;
use mobid_domain::consent::{Consent, Session, Status};
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::reader::AsOf;

use super::present;
use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::ApiResult;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;

pub async fn retrieve(
    client: ApiClient,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of();
    let wait = query.take("wait", "a whole number of seconds from 0 to 30", |text| {
        text.parse::<u32>().ok().filter(|seconds| *seconds <= 30)
    });
    query.finish()?;
    let now = app.clock.now();
    let (found, moment) = match (as_of, wait) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("asOf and wait do not go together.")),
        (Some(as_of), None) => {
            let moment = if let AsOf::Time(time) = as_of { time.min(now) } else { now };
            (consents::as_of(&app.pool, id, as_of).await?, moment)
        }
        (None, wait) => {
            let seconds = wait.unwrap_or(0);
            if seconds > 0 {
                client.give_place_back();
            }
            let found = wait_for_change(&app, &client, id, seconds).await?;
            if seconds > 0 {
                client.check_again(&app, Permission::ConsentsRead).await?;
            }
            (found, app.clock.now())
        }
    };
    let (folded, session) = own(&client, found.as_ref())?;
    present::answer(&app, "Consent session", &id.to_string(), session, folded.sequence, moment).await
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

/// The consent once its status is another than at first, or when the time is up.
async fn wait_for_change(
    app: &App,
    client: &ApiClient,
    id: ConsentId,
    seconds: u32,
) -> Result<Option<Folded<Consent>>, ApiError> {
    if seconds == 0 {
        return Ok(app.current.consent(id).await?);
    }
    let waiting = app.changes.wait_for(client.id, id.to_string());
    let (mut waiting, mut draining) = (waiting.ok_or_else(ApiError::too_many_waiting)?, app.draining.clone());
    let until = app.clock.now() + TimeDelta::seconds(i64::from(seconds));
    let mut first: Option<Status> = None;
    loop {
        waiting.mark();
        let found = app.current.consent(id).await?;
        let now = app.clock.now();
        let Ok((_, session)) = own(client, found.as_ref()) else { return Ok(found) };
        let status = session.status_at(now);
        if now >= until || *first.get_or_insert(status) != status || status_is_final(status) {
            return Ok(found);
        }
        let deadline: DateTime<Utc> = until.min(session.request.expires_at.max(now));
        let deadline = if status == Status::Pending { deadline } else { until };
        tokio::select! {
            () = app.clock.wait_until(deadline) => {}
            _ = draining.wait_for(|draining| *draining) => return Ok(found),
            () = waiting.changed() => {}
        }
    }
}

/// What can change no more is not worth waiting for.
fn status_is_final(status: Status) -> bool {
    match status {
        Status::Pending | Status::Approved => false,
        Status::Rejected | Status::Expired | Status::Revoked => true,
    }
}
