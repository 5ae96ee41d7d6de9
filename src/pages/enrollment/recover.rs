//! `POST /r/{id}/recover`: the recipient proved the handle, but has none of its passkeys any more, and begins anew.
//!
//! Whoever took over somebody's number can do the same: so the new person is nobody that any client knew, sees nothing of
//! the former one, and the former one is told.

use axum::response::Response;
use mobid_domain::enrollment::Status;
use mobid_domain::id::EnrollmentId;

use super::Visit;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::notifier::Message;
use crate::pages::error::PageError;
use crate::pages::post::Posted;
use crate::pages::view::see_other;
use crate::person::holder;

pub async fn recover(app: &App, id: EnrollmentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    visit.is_open()?;
    if visit.status() != Status::Pending {
        return Err(PageError::Ended(id.into()));
    }
    if !visit.is_proven(app, &posted.browser).await? {
        return Err(PageError::NoCode(id.into()));
    }
    visit.count(app, Use::Send, &posted).await?;
    if holder::begin_anew(app, &visit.recipient, &visit.occasion).await?.is_some() {
        let words = visit.words.passkeys();
        let message = Message {
            to: "",
            channel: "",
            subject: words.begun_anew_subject.to_owned(),
            text: words.begun_anew_text.to_owned(),
            link: None,
            code: None,
            resource_id: id.to_string(),
        };
        // It is done, whether or not it could be told.
        if let Err(error) = app.notifier.send(&visit.recipient, message).await {
            tracing::error!(error = %error, enrollment = %id, "a former holder could not be told");
        }
    }
    Ok(see_other(&visit.path()))
}
