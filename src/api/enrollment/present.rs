//! An enrollment as an answer.

use chrono::{DateTime, Utc};
use mobid_domain::enrollment::Session;

use crate::app::App;
use crate::http::envelope::{Answer, ok};
use crate::http::error::ApiError;
use crate::presentation::enrollment::body;
use crate::vault::Subject;

/// The enrollment as it stands at `now`, its key fetched.
pub async fn answer(
    app: &App,
    message: &str,
    id: &str,
    session: &Session,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<Answer, ApiError> {
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    Ok(ok(message, &body(&app.config.public_origin(), id, session, key.as_ref(), now)?)?.version(sequence))
}
