//! Signing out, here or everywhere, and what is said afterwards.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::HOME;
use super::door::{self, Who};
use super::post::Posted;
use super::refusal::Refusal;
use crate::app::App;
use crate::ephemeral::{proof, session};
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::language;
use crate::pages::view::{Frame, Link, NotePage, render, see_other};
use crate::person::consents;

/// `POST /me/sign-out`
pub async fn sign_out(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let everywhere = posted.form.one("action")? == "everywhere";
    if everywhere {
        // Whoever merely reads somebody's messages does not end what that one opened with a passkey; and nobody is told
        // that it ended where it did not.
        let Who::Person(signed) = door::who(&app, Some(&posted.browser)).await? else {
            return Err(Refusal::SignedOut.into());
        };
        let ended = session::end_all(&app.pool, signed.session.person).await?;
        // Nor does any browser go on showing what somebody proved to be theirs, where only that was proved.
        let known = consents::known_as(&app, signed.session.person, signed.handle.as_ref()).await?;
        proof::end_all(&app.pool, &consents::users(&known)).await?;
        tracing::info!(person = %signed.session.person, ended, "a person signed out everywhere");
    }
    session::end(&app.pool, posted.browser.hash(app.vault.master())).await?;
    Ok(left_by(if everywhere { "everywhere" } else { "out" }))
}

/// On to the page that says so, with another cookie: nothing is bound to the old one any more.
pub fn left_by(how: &str) -> Response {
    door::with_cookie(see_other(&format!("/me/left/{how}")), &BrowserSession::random())
}

/// `GET /me/left/{how}`
pub async fn left(how: Result<Path<String>, PathRejection>) -> Result<Response, PageError> {
    let words = language::current();
    let note = match how.map_err(|_| PageError::NotFound)?.0.as_str() {
        "out" => words.me().signed_out,
        "everywhere" => words.me().signed_out_everywhere,
        "dropped" => words.me().dropped,
        _ => return Err(PageError::NotFound),
    };
    let page = NotePage {
        frame: Frame { words, title: note.title.to_owned(), error: false },
        text: note.text,
        more: None,
        link: Some(Link { href: HOME.to_owned(), label: words.me().sign_in_again.to_owned() }),
        reference: None,
    };
    Ok(render(StatusCode::OK, &page))
}
