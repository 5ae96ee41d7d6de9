//! A person's passkeys: which there are, and how one is dropped.
//!
//! Dropping one cannot be undone and ends every session, so it takes a proof from the last minutes: that of signing in,
//! or else one for exactly this. Whoever finds a browser open cannot shut its owner out.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, PasskeyId};
use mobid_domain::person::Passkey;
use serde_json::{Value, json};

use super::door::{self, Signed};
use super::post::Posted;
use super::sign_out::left_by;
use super::view::{DropPage, PasskeyEntry};
use crate::app::App;
use crate::ephemeral::ceremony::Binding;
use crate::ephemeral::session;
use crate::pages::error::PageError;
use crate::pages::form::{Form, FormError};
use crate::pages::view::{Ceremony, Frame, Moment, render};
use crate::person::passkey::{self, NotTaken, product};
use crate::webauthn::{Assertion, Authentication};

const KIND: &str = "me_drop_passkey";

type PasskeyPath = Result<Path<String>, PathRejection>;

/// What is wrong about a try to drop one.
#[derive(Default, Clone, Copy)]
struct Problem {
    passkey: Option<Reason>,
    not_sure: bool,
}

/// Those that still open something, in the order in which they came.
pub fn entries(signed: &Signed) -> Result<Vec<PasskeyEntry>, PageError> {
    let active = signed.record.active();
    active.enumerate().map(|(place, passkey)| entry(signed, place + 1, passkey)).collect()
}

fn entry(signed: &Signed, number: usize, passkey: &Passkey) -> Result<PasskeyEntry, PageError> {
    let (words, me) = (signed.words, signed.words.me());
    let kept = passkey::open(&signed.key, &signed.session.person.to_string(), passkey)?;
    let name = product::name(kept.aaguid).map_or_else(|| (me.passkey_name)(number), str::to_owned);
    Ok(PasskeyEntry {
        href: format!("/me/passkeys/{}", passkey.id),
        name,
        this: signed.session.passkey == Some(passkey.id),
        kept: if passkey.backed_up { me.synced } else { me.not_synced },
        added: Moment::new(words, passkey.added_at),
        used: passkey.used_at.map(|at| Moment::new(words, at)),
    })
}

fn named(signed: &Signed, path: PasskeyPath) -> Result<PasskeyId, PageError> {
    let id = path.map_err(|_| PageError::NotFound)?.0.parse().map_err(|_| PageError::NotFound)?;
    signed.record.active_passkey(id).map(|passkey| passkey.id).ok_or(PageError::NotFound)
}

/// `GET /me/passkeys/{id}`
pub async fn show(
    State(app): State<App>,
    path: PasskeyPath,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match door::looking(&app, &headers).await? {
        Ok(signed) => page(&app, &signed, named(&signed, path)?, Problem::default()),
        Err(elsewhere) => Ok(elsewhere),
    }
}

fn page(app: &App, signed: &Signed, id: PasskeyId, problem: Problem) -> Result<Response, PageError> {
    let (words, me) = (signed.words, signed.words.me());
    let active: Vec<_> = signed.record.active().collect();
    let place = active.iter().position(|passkey| passkey.id == id).ok_or(PageError::NotFound)?;
    let last = (active.len() == 1).then(|| match signed.masked() {
        Some(masked) => (me.drop_last)(&masked),
        None => me.drop_last_formerly.to_owned(),
    });
    let passkey_problem = problem.passkey.map(words.passkeys().not_taken);
    let error = passkey_problem.is_some() || problem.not_sure;
    let page = DropPage {
        frame: Frame { words, title: me.drop_title.to_owned(), error },
        csrf: signed.csrf(app),
        me,
        at: format!("/me/passkeys/{id}"),
        passkey: entry(signed, place + 1, active[place])?,
        last,
        ceremony: (!signed.is_fresh()).then(|| Ceremony::new(words.passkeys(), me.drop_button)),
        problem: passkey_problem,
        sure_problem: problem.not_sure,
    };
    let status = if error { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(render(status, &page))
}

/// `POST /me/passkeys/{id}/begin`
pub async fn begin(State(app): State<App>, path: PasskeyPath, posted: Posted) -> Result<Response, PageError> {
    let signed = door::person(&app, &posted.browser).await?;
    let id = named(&signed, path)?;
    posted.count_begin(&app).await?;
    let (get, authentication) = passkey::begin_showing(&app, None)?;
    let hash = posted.browser.hash(app.vault.master());
    let bound = Binding { kind: KIND, holder: &[&hash[..], id.0.as_bytes()] };
    let (session, _) = app.ceremonies.begin(bound, &authentication, signed.now()).await?;
    Ok(Json(json!({ "get": get, "session": session })).into_response())
}

/// `POST /me/passkeys/{id}/drop`
pub async fn drop(State(app): State<App>, path: PasskeyPath, posted: Posted) -> Result<Response, PageError> {
    let signed = door::person(&app, &posted.browser).await?;
    let id = named(&signed, path)?;
    if signed.record.active().count() == 1 && posted.form.one("sure")? != "yes" {
        return page(&app, &signed, id, Problem { passkey: None, not_sure: true });
    }
    if !signed.is_fresh()
        && let Err(reason) = proved(&app, &signed, id, &posted.form).await?
    {
        return page(&app, &signed, id, Problem { passkey: reason, not_sure: false });
    }
    let person = signed.session.person;
    passkey::drop(&app, person, id, &signed.occasion).await?;
    // They have ended with it already; this only tidies.
    session::end_all(&app.pool, person).await?;
    Ok(left_by("dropped"))
}

/// Whether the person showed a passkey of theirs for this; if not, why, as far as there is more to say than that.
async fn proved(
    app: &App,
    signed: &Signed,
    id: PasskeyId,
    form: &Form,
) -> Result<Result<(), Option<Reason>>, PageError> {
    let credential = form.one("credential")?;
    if credential.is_empty() {
        return Ok(Err(None));
    }
    let credential: Value = serde_json::from_str(credential).map_err(|_| FormError::Malformed)?;
    let answer = Assertion::read(&credential).map_err(|_| FormError::Malformed)?;
    let hash = signed.browser.hash(app.vault.master());
    let asked: Option<Authentication> = match form.one("session")?.parse::<CeremonyId>() {
        Ok(ceremony) => {
            let bound = Binding { kind: KIND, holder: &[&hash[..], id.0.as_bytes()] };
            app.ceremonies.take(ceremony, bound, signed.now()).await?
        }
        Err(_) => None,
    };
    let Some(asked) = asked else { return Ok(Err(Some(Reason::SessionExpired))) };
    match passkey::finish_showing(app, &asked, &answer, &signed.occasion).await {
        Ok(shower) if shower.person == signed.session.person => Ok(Ok(())),
        Ok(_) | Err(NotTaken::PasskeyNeeded) => Ok(Err(Some(Reason::UnknownCredential))),
        Err(NotTaken::Bad(reason)) => Ok(Err(Some(reason))),
        Err(NotTaken::Trouble(trouble)) => Err(trouble.into()),
    }
}
