//! Signing in with a one-time code to a handle that somebody types.
//!
//! Whether the handle is known here is for nobody but its owner: the same is answered whatever it is, and what depends on
//! it (looking it up, sending) happens after the answer. The code is one to see, and decides nothing; it is bound to the
//! handle, and what it was asked for is called by a name that no resource has.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use mobid_domain::handle::Handle;
use mobid_domain::sealed::Sealed;

use super::post::Posted;
use super::refusal::Refusal;
use super::sign_in;
use super::view::CodePage;
use super::{HOME, door};
use crate::app::App;
use crate::ephemeral::cap::{self, Subjects, Use};
use crate::ephemeral::code::{self, Action, Bound, Issued, OneTimeCode, Standing};
use crate::http::request_id;
use crate::notifier::{Message, NotifierError};
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::language;
use crate::pages::view::{Frame, render, see_other};
use crate::person::{Occasion, Trouble, consents, holder};
use crate::vault::SealError;
use crate::words::{Problem, Words};

/// Where a code would name a resource.
const SIGN_IN: &str = "me";
const PURPOSE: &str = "mobid/sign-in";

/// `POST /me/code`
pub async fn ask(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let (typed, words) = (posted.form.one("handle")?, language::current().me());
    let refused = |problem| {
        let handle = Some((typed.to_owned(), problem));
        Ok(sign_in::page(&app, &posted.browser, sign_in::Problem { passkey: None, handle }))
    };
    let Some(handle) = read(typed) else { return refused(words.bad_handle) };
    if !app.notifier.reaches(&handle) {
        return refused(words.unreachable_handle);
    }
    send(&app, &posted, handle).await
}

/// `POST /me/again`
pub async fn again(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let session = posted.browser.hash(app.vault.master());
    let former = code::find(&app.pool, session, SIGN_IN).await?.ok_or(Refusal::NoCode)?;
    if former.standing(app.clock.now()) == Standing::Used {
        return Ok(see_other(HOME));
    }
    let handle = bound_handle(&app, &former)?;
    send(&app, &posted, handle).await
}

/// What people type, with what they put between the digits.
fn read(typed: &str) -> Option<Handle> {
    let typed = typed.trim();
    if typed.starts_with('+') {
        let plain = |c: &char| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}');
        return typed.chars().filter(plain).collect::<String>().parse().ok();
    }
    typed.parse().ok()
}

async fn send(app: &App, posted: &Posted, handle: Handle) -> Result<Response, PageError> {
    posted.count_for(app, Use::Send, &handle).await?;
    let (session, now) = (posted.browser.hash(app.vault.master()), app.clock.now());
    let sealed = app.vault.master().seal(PURPOSE, &session, handle.as_str().as_bytes())?;
    let bound = Bound {
        session,
        resource: SIGN_IN.to_owned(),
        sequence: 0,
        action: Action::View,
        grant: Some(Sealed(URL_SAFE_NO_PAD.encode(sealed))),
    };
    let code = code::issue(&app.pool, app.vault.master(), &bound, now).await?;
    let (sender, words) = (app.clone(), language::current());
    let delivery = async move {
        if let Err(error) = deliver(&sender, &handle, &code, words, now).await {
            tracing::error!(error = %error, "a code to sign in could not be sent");
        }
    };
    // Whoever asks is answered now: how long it takes would tell whether the handle is known.
    app.errands.run(delivery);
    Ok(see_other("/me/code"))
}

#[derive(Debug, thiserror::Error)]
enum NotDelivered {
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Notifier(#[from] NotifierError),
    #[error("as many codes to sign in as there may be have gone out in this hour")]
    Capped,
}

/// Sends a code to whom we know: nobody makes this service send messages to strangers.
async fn deliver(
    app: &App,
    handle: &Handle,
    code: &OneTimeCode,
    words: &Words,
    now: DateTime<Utc>,
) -> Result<(), NotDelivered> {
    if !consents::is_known(app, handle).await? {
        return Ok(());
    }
    let subjects = Subjects { resource: SIGN_IN, handle: "", address: None, client: SIGN_IN };
    if cap::count(&app.pool, app.vault.master(), Use::SignIn, &subjects, now).await?.is_some() {
        return Err(NotDelivered::Capped);
    }
    let message = Message {
        to: "",
        channel: "",
        subject: words.me().code_subject.to_owned(),
        text: (words.me().code_text)(code.reveal()),
        link: None,
        code: Some(code.reveal().to_owned()),
        resource_id: SIGN_IN.to_owned(),
    };
    Ok(app.notifier.send(handle, message).await?)
}

fn bound_handle(app: &App, issued: &Issued) -> Result<Handle, PageError> {
    let sealed = issued.bound.grant.as_ref().ok_or(Refusal::NoCode)?;
    let sealed = URL_SAFE_NO_PAD.decode(&sealed.0).map_err(|_| SealError::Malformed)?;
    let plain = app.vault.master().open(PURPOSE, &issued.bound.session, &sealed)?;
    let text = String::from_utf8(plain).map_err(|_| SealError::Malformed)?;
    Ok(text.parse().map_err(|_| SealError::Malformed)?)
}

/// `GET /me/code`
pub async fn enter(State(app): State<App>, headers: HeaderMap) -> Result<Response, PageError> {
    let Some(browser) = BrowserSession::of_person(&headers) else { return Ok(see_other(HOME)) };
    let session = browser.hash(app.vault.master());
    let Some(issued) = code::find(&app.pool, session, SIGN_IN).await? else { return Ok(see_other(HOME)) };
    let problem = match issued.standing(app.clock.now()) {
        Standing::Used => return Ok(see_other(HOME)),
        Standing::Expired => Some(Problem::ExpiredCode),
        Standing::Exhausted => Some(Problem::ExhaustedCode),
        Standing::Good { .. } => None,
    };
    page(&app, &browser, &issued, problem)
}

/// `POST /me/decide`: a code comes back. The try is counted before anything is compared, and the code is used up before
/// anything follows from it.
pub async fn decide(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let (session, now) = (posted.browser.hash(app.vault.master()), app.clock.now());
    let issued = code::find(&app.pool, session, SIGN_IN).await?.ok_or(Refusal::NoCode)?;
    if issued.standing(now) == Standing::Used {
        return Ok(see_other(HOME));
    }
    let page = |issued: &Issued, problem| page(&app, &posted.browser, issued, Some(problem));
    let Some(typed) = OneTimeCode::typed(posted.form.one("code")?) else {
        return page(&issued, Problem::NoCode);
    };
    let Some(tried) = code::count_try(&app.pool, session, SIGN_IN, now).await? else {
        let expired = issued.standing(now) == Standing::Expired;
        return page(&issued, if expired { Problem::ExpiredCode } else { Problem::ExhaustedCode });
    };
    // Of what was tried, since another code, to another handle, may have been asked for meanwhile.
    let handle = bound_handle(&app, &tried)?;
    posted.count_for(&app, Use::Try, &handle).await?;
    if !tried.is(app.vault.master(), &typed) {
        let problem = match tried.standing(now) {
            Standing::Good { tries_left } => Problem::WrongCode { tries_left },
            _ => Problem::ExhaustedCode,
        };
        return page(&tried, problem);
    }
    if !code::redeem(&app.pool, &tried, now).await? {
        return Ok(see_other(HOME));
    }
    let occasion = Occasion { at: now, request_id: request_id::current(), lang: language::current().lang };
    let holder = holder::find_or_make(&app, &handle, &occasion).await?;
    door::open(&app, &posted.browser, (holder.id, None), now).await
}

fn page(
    app: &App,
    browser: &BrowserSession,
    issued: &Issued,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let (words, me) = (language::current(), language::current().me());
    let tries_left = match issued.standing(app.clock.now()) {
        Standing::Good { tries_left } => Some((words.tries_left)(tries_left)),
        Standing::Expired | Standing::Exhausted | Standing::Used => None,
    };
    let title = if tries_left.is_some() { me.code_title } else { words.code_over_title };
    let page = CodePage {
        frame: Frame { words, title: title.to_owned(), error: problem.is_some() },
        csrf: door::csrf(app, browser),
        sequence: None,
        at: HOME.to_owned(),
        sent: (me.code_sent)(&bound_handle(app, issued)?.masked()),
        will_do: me.code_does.to_owned(),
        problem: problem.map(words.problem),
        tries_left,
        confirm: me.code_confirm,
        careful: false,
        missing: Some(me.code_missing),
        send_again: "/me/again".to_owned(),
        back: (HOME.to_owned(), me.code_back),
    };
    Ok(render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_as_people_type_it() {
        let read = |typed: &str| read(typed).map(|handle| handle.as_str().to_owned());
        assert_eq!(read(" +49 (151) 123-456 78 ").as_deref(), Some("+4915112345678"));
        assert_eq!(read("ann@example.com ").as_deref(), Some("ann@example.com"));
        for wrong in ["", "0151 12345678", "+", "ann", "an n@example.com", "+49 151 x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
