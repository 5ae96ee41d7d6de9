//! `GET /v1/enrollments/{id}`, now or as it was.

use axum::extract::State;
use mobid_domain::enrollment::{Enrollment, Session};
use mobid_domain::id::EnrollmentId;
use mobid_projections::enrollment::query as enrollments;
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
    Id(id): Id<EnrollmentId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let as_of = query.as_of();
    query.finish()?;
    let now = app.clock.now();
    let moment = if let Some(AsOf::Time(time)) = as_of { time.min(now) } else { now };
    let found = enrollments::find(&app.pool, id, as_of).await?;
    let (folded, session) = own(&client, found.as_ref())?;
    present::answer(&app, "Enrollment", &id.to_string(), session, folded.sequence, moment).await
}

/// The enrollment, if there is one and it is this client's.
pub(super) fn own<'a>(
    client: &ApiClient,
    found: Option<&'a Folded<Enrollment>>,
) -> Result<(&'a Folded<Enrollment>, &'a Session), ApiError> {
    let folded = found.ok_or_else(ApiError::not_found)?;
    match folded.state.session() {
        Some(session) if session.request.client_id == client.id => Ok((folded, session)),
        _ => Err(ApiError::not_found()),
    }
}
