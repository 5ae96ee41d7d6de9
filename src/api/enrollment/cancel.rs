//! `DELETE /v1/enrollments/{id}`: take back an enrollment that has not ended.

use axum::extract::State;
use mobid_domain::enrollment::{Enrollment, EnrollmentCommand};
use mobid_domain::id::EnrollmentId;

use super::present;
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::envelope::ApiResult;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;

pub async fn cancel(
    client: ApiClient,
    Id(id): Id<EnrollmentId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
) -> ApiResult {
    query.finish()?;
    let (id, context) = (id.to_string(), client.command(&app));
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let executed = app.store.execute::<Enrollment>(&id, EnrollmentCommand::Cancel, &context, terms).await?;
    let session = executed.state.session().ok_or_else(ApiError::not_found)?;
    present::answer(&app, "Enrollment cancelled", &id, session, executed.sequence, context.at).await
}
