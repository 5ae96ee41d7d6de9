//! Signing in: the page that offers it, and the way by passkey. The other one is in `code`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mobid_domain::fido::Reason;
use mobid_domain::id::CeremonyId;
use serde_json::{Value, json};

use super::door::{self, Signed, Who};
use super::post::Posted;
use super::view::{NeedsPasskeyPage, SignInPage};
use crate::app::App;
use crate::ephemeral::ceremony::Binding;
use crate::http::request_id;
use crate::pages::browser::BrowserSession;
use crate::pages::consent::show::{come_again, is_from_elsewhere};
use crate::pages::error::PageError;
use crate::pages::form::FormError;
use crate::pages::language;
use crate::pages::view::{Ceremony, Frame, render};
use crate::person::Occasion;
use crate::person::passkey::{self, NotTaken};
use crate::webauthn::{Assertion, Authentication};

const KIND: &str = "me_sign_in";

/// What was wrong about a try to sign in.
#[derive(Default)]
pub struct Problem {
    pub passkey: Option<&'static str>,
    /// What was typed, and what is wrong with it.
    pub handle: Option<(String, &'static str)>,
}

/// For who is not signed in.
pub fn door(app: &App, headers: &HeaderMap) -> Response {
    let known = BrowserSession::of_person(headers);
    if known.is_none() && is_from_elsewhere(headers) {
        return come_again(language::current(), super::HOME);
    }
    let browser = known.clone().unwrap_or_else(BrowserSession::random);
    let response = page(app, &browser, Problem::default());
    if known.is_none() { door::with_cookie(response, &browser) } else { response }
}

pub fn page(app: &App, browser: &BrowserSession, problem: Problem) -> Response {
    let words = language::current();
    let error = problem.passkey.is_some() || problem.handle.is_some();
    let (typed, handle_problem) = problem.handle.unzip();
    let page = SignInPage {
        frame: Frame { words, title: words.me().title.to_owned(), error },
        csrf: door::csrf(app, browser),
        me: words.me(),
        // With a number for a name there are none.
        has_passkeys: passkey::relying_party(app).is_ok(),
        passkey_problem: problem.passkey,
        handle_problem,
        typed: typed.unwrap_or_default(),
        ceremony: Ceremony::new(words.passkeys(), words.me().by_passkey_button),
    };
    render(if error { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

/// For who read the messages to the handle of somebody who has a passkey.
pub fn needs_passkey(app: &App, signed: &Signed, problem: Option<&'static str>) -> Response {
    let (words, masked) = (signed.words, signed.masked().unwrap_or_default());
    let page = NeedsPasskeyPage {
        frame: Frame { words, title: words.passkeys().needed.title.to_owned(), error: problem.is_some() },
        csrf: signed.csrf(app),
        me: words.me(),
        text: (words.me().passkey_needed)(&masked),
        problem,
        lost_title: words.passkeys().lost.title,
        lost_button: words.passkeys().lost_button,
        ceremony: Ceremony::new(words.passkeys(), words.me().by_passkey_button),
    };
    render(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

/// `POST /me/passkey/begin`
pub async fn begin(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    posted.count_begin(&app).await?;
    let (get, authentication) = passkey::begin_showing(&app, None)?;
    let hash = posted.browser.hash(app.vault.master());
    let bound = Binding { kind: KIND, holder: &[&hash[..]] };
    let (session, _) = app.ceremonies.begin(bound, &authentication, app.clock.now()).await?;
    Ok(Json(json!({ "get": get, "session": session })).into_response())
}

/// `POST /me/passkey`
pub async fn finish(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    passkey::relying_party(&app)?;
    let credential = posted.form.one("credential")?;
    if credential.is_empty() {
        // Without a script, or what was to be asked was refused.
        return refused(&app, &posted.browser, None).await;
    }
    let credential: Value = serde_json::from_str(credential).map_err(|_| FormError::Malformed)?;
    let answer = Assertion::read(&credential).map_err(|_| FormError::Malformed)?;
    let (hash, now) = (posted.browser.hash(app.vault.master()), app.clock.now());
    let asked: Option<Authentication> = match posted.form.one("session")?.parse::<CeremonyId>() {
        Ok(ceremony) => {
            let bound = Binding { kind: KIND, holder: &[&hash[..]] };
            app.ceremonies.take(ceremony, bound, now).await?
        }
        Err(_) => None,
    };
    let Some(asked) = asked else {
        return refused(&app, &posted.browser, Some(Reason::SessionExpired)).await;
    };
    let occasion = Occasion { at: now, request_id: request_id::current(), lang: language::current().lang };
    match passkey::finish_showing(&app, &asked, &answer, &occasion).await {
        Ok(shower) => door::open(&app, &posted.browser, (shower.person, Some(shower.passkey.id)), now).await,
        Err(NotTaken::Bad(reason)) => refused(&app, &posted.browser, Some(reason)).await,
        Err(NotTaken::PasskeyNeeded) => refused(&app, &posted.browser, Some(Reason::UnknownCredential)).await,
        Err(NotTaken::Trouble(trouble)) => Err(trouble.into()),
    }
}

/// Where they were, with what was wrong.
async fn refused(app: &App, browser: &BrowserSession, reason: Option<Reason>) -> Result<Response, PageError> {
    let passkey = reason.map(language::current().passkeys().not_taken);
    Ok(match door::who(app, Some(browser)).await? {
        Who::ByCodeAlone(signed) => needs_passkey(app, &signed, passkey),
        Who::Stranger | Who::Person(_) => page(app, browser, Problem { passkey, handle: None }),
    })
}
