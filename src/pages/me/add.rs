//! A passkey is created, by who has none or beside those that there are.
//!
//! It opens everything from then on, so it takes a proof from the last minutes; and whoever has a passkey needs it to
//! add another (`domain::person`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mobid_domain::fido::Reason;
use mobid_domain::id::CeremonyId;
use mobid_domain::person::MAX_PASSKEYS;
use serde_json::{Value, json};

use super::door::{self, Signed};
use super::post::Posted;
use super::refusal::Refusal;
use super::{HOME, overview};
use crate::app::App;
use crate::ephemeral::ceremony::Binding;
use crate::pages::error::PageError;
use crate::pages::form::FormError;
use crate::pages::view::see_other;
use crate::person::holder::Holder;
use crate::person::passkey::{self, NotTaken};
use crate::webauthn::{Attestation, Registration};

const KIND: &str = "me_add_passkey";

/// Whether one can be added at all: what a former holder has is opened by what they have.
pub fn is_possible(app: &App, signed: &Signed) -> bool {
    let room = signed.record.active().count() < MAX_PASSKEYS;
    signed.handle.is_some() && room && passkey::relying_party(app).is_ok()
}

async fn allowed(app: &App, posted: &Posted) -> Result<Box<Signed>, PageError> {
    passkey::relying_party(app)?;
    let signed = door::person(app, &posted.browser).await?;
    match () {
        () if !signed.is_fresh() => Err(Refusal::Stale.into()),
        () if !is_possible(app, &signed) => Err(PageError::NotFound),
        () => Ok(signed),
    }
}

fn holder(signed: &Signed) -> Holder {
    Holder { id: signed.session.person, record: signed.record.clone() }
}

/// `POST /me/passkeys/begin`
pub async fn begin(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let signed = allowed(&app, &posted).await?;
    let handle = signed.handle.as_ref().ok_or(PageError::NotFound)?;
    posted.count_begin(&app).await?;
    // A device that has one already says so, and does not replace it.
    let id = signed.session.person.to_string();
    let known = signed.record.active().map(|known| Ok(passkey::open(&signed.key, &id, known)?.credential.id));
    let known = known.collect::<Result<Vec<_>, PageError>>()?;
    let (create, registration) = passkey::begin_adding(&app, &holder(&signed), handle, known)?;
    let hash = posted.browser.hash(app.vault.master());
    let bound = Binding { kind: KIND, holder: &[&hash[..]] };
    let (session, _) = app.ceremonies.begin(bound, &registration, signed.now()).await?;
    Ok(Json(json!({ "create": create, "session": session })).into_response())
}

/// `POST /me/passkeys`
pub async fn finish(State(app): State<App>, posted: Posted) -> Result<Response, PageError> {
    let signed = allowed(&app, &posted).await?;
    let credential = posted.form.one("credential")?;
    if credential.is_empty() {
        // Without a script, or what was to be asked was refused.
        return overview::page(&app, &signed, None, None).await;
    }
    let credential: Value = serde_json::from_str(credential).map_err(|_| FormError::Malformed)?;
    let answer = Attestation::read(&credential).map_err(|_| FormError::Malformed)?;
    let hash = posted.browser.hash(app.vault.master());
    let registration: Option<Registration> = match posted.form.one("session")?.parse::<CeremonyId>() {
        Ok(ceremony) => {
            let bound = Binding { kind: KIND, holder: &[&hash[..]] };
            app.ceremonies.take(ceremony, bound, signed.now()).await?
        }
        Err(_) => None,
    };
    let refused = async |reason| overview::page(&app, &signed, None, Some(reason)).await;
    let Some(registration) = registration else { return refused(Reason::SessionExpired).await };
    let with = signed.session.passkey;
    let added = passkey::add(&app, &holder(&signed), (registration, &answer), with, &signed.occasion).await;
    match added {
        Ok(added) => {
            tracing::info!(person = %signed.session.person, passkey = %added.id, "a person added a passkey");
            if with.is_some() {
                return Ok(see_other(HOME));
            }
            // From here on a code alone shows nothing, and whoever is here has just shown the passkey.
            let opened = (signed.session.person, Some(added.id));
            door::open(&app, &posted.browser, opened, signed.now()).await
        }
        Err(NotTaken::Bad(reason)) => refused(reason).await,
        // Somebody added one since this page was opened, so a code does not do any more.
        Err(NotTaken::PasskeyNeeded) => Ok(see_other(HOME)),
        Err(NotTaken::Trouble(trouble)) => Err(trouble.into()),
    }
}
