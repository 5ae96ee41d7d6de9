//! A consent as an answer.

use chrono::{DateTime, Utc};
use mobid_domain::consent::Session;

use crate::app::App;
use crate::http::envelope::{Answer, ok};
use crate::http::error::ApiError;
use crate::presentation::consent::{ConsentBody, body, is_final};
use crate::vault::Subject;
use crate::watch;

/// The consent as it stands now, its key fetched.
pub async fn answer(
    app: &App,
    message: &str,
    id: &str,
    session: &Session,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<Answer, ApiError> {
    let shown = with_watch_token(app, opened(app, id, session, now).await?, now);
    Ok(ok(message, &shown)?.version(sequence))
}

/// The consent as it stood at some moment.
pub async fn answer_as_of(
    app: &App,
    message: &str,
    id: &str,
    session: &Session,
    sequence: i64,
    then: DateTime<Utc>,
) -> Result<Answer, ApiError> {
    Ok(ok(message, &opened(app, id, session, then).await?)?.version(sequence))
}

/// With a token for who is to watch it, where there is still something to see.
pub fn with_watch_token(app: &App, shown: ConsentBody, now: DateTime<Utc>) -> ConsentBody {
    let watch_token = (!is_final(shown.status)).then(|| watch::token(app.vault.master(), &shown.id, now));
    ConsentBody { watch_token, ..shown }
}

async fn opened(app: &App, id: &str, session: &Session, now: DateTime<Utc>) -> Result<ConsentBody, ApiError> {
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    Ok(body(&app.config.public_origin(), id, session, key.as_ref(), now)?)
}
