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
use crate::pages::begun_anew;
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
        begun_anew::tell(app, visit.words, &visit.recipient, id.to_string()).await;
    }
    Ok(see_other(&visit.path()))
}
