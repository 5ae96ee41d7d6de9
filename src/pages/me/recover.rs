//! `POST /me/recover`: somebody proved the handle, but has none of its passkeys any more, and begins anew.
//!
//! The same as while enrolling (`enrollment::recover`): the new person is nobody that any client knew, sees nothing of the
//! former one, and the former one is told.

use axum::extract::State;
use axum::response::Response;

use super::HOME;
use super::door::{self, Who};
use super::post::Posted;
use super::refusal::Refusal;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::pages::begun_anew;
use crate::pages::error::PageError;
use crate::pages::view::see_other;
use crate::person::holder;

pub async fn recover(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let Who::ByCodeAlone(signed) = door::who(&app, Some(&posted.browser)).await? else {
        return Err(Refusal::SignedOut.into());
    };
    let handle = signed.handle.as_ref().ok_or(Refusal::SignedOut)?;
    if !signed.is_fresh() {
        return Err(Refusal::Stale.into());
    }
    posted.count_for(&app, Use::Send, handle).await?;
    let Some(holder) = holder::begin_anew(&app, handle, &signed.occasion).await? else {
        // Somebody did so a moment ago, or dropped the last passkey: there is nothing to leave behind.
        return Ok(see_other(HOME));
    };
    begun_anew::tell(&app, signed.words, handle, "me".to_owned()).await;
    door::open(&app, &posted.browser, (holder.id, None), signed.now()).await
}
