//! The passkey step: what the browser is to ask for, and what came of it.
//!
//! Who proved the handle and has no passkey creates one; who has one uses it. Either way the client gets its device, and
//! the passkey is used once for this enrollment.

use axum::Json;
use axum::response::{IntoResponse, Response};
use mobid_domain::enrollment::{Session, Status};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, EnrollmentId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Visit, show};
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::ceremony::Binding;
use crate::ephemeral::proof;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::form::FormError;
use crate::pages::post::Posted;
use crate::pages::view::{see_other, with_session};
use crate::person::enrolling::{self, NotDone, Step};
use crate::person::holder::{self, Holder};
use crate::person::passkey::{self, NotTaken};
use crate::webauthn::{Assertion, Attestation, Authentication, Registration};

const KIND: &str = "hosted_enrollment";

/// A ceremony under way.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "state")]
enum Asked {
    Create(Registration),
    Use(Authentication),
}

/// `POST /r/{id}/passkey/begin`
pub async fn begin(app: &App, id: EnrollmentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    passkey::relying_party(app)?;
    let holder = holder(app, &visit, &posted.browser).await?;
    visit.count(app, Use::Begin, &posted).await?;
    let (options, asked) = if visit.status() == Status::Pending && !holder.has_passkey() {
        let (create, registration) = passkey::begin_adding(app, &holder, &visit.recipient, vec![])?;
        (json!({ "create": create }), Asked::Create(registration))
    } else {
        let (get, authentication) = passkey::begin_showing(app, None)?;
        (json!({ "get": get }), Asked::Use(authentication))
    };
    let (session, _) = bound(app, &visit, &posted.browser, async |bound| {
        Ok(app.ceremonies.begin(bound, &asked, visit.now()).await?)
    })
    .await?;
    let mut answer = options;
    answer["session"] = json!(session);
    Ok(Json(answer).into_response())
}

/// `POST /r/{id}/passkey`
pub async fn finish(app: &App, id: EnrollmentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    passkey::relying_party(app)?;
    let holder = holder(app, &visit, &posted.browser).await?;
    let credential = posted.form.one("credential")?;
    if credential.is_empty() {
        // Without a script, or what was to be asked was refused: the page says what to do.
        return show::page(app, &visit, &posted.browser, None).await;
    }
    let credential: Value = serde_json::from_str(credential).map_err(|_| FormError::Malformed)?;
    let asked = match posted.form.one("session")?.parse::<CeremonyId>() {
        Ok(session) => {
            bound(app, &visit, &posted.browser, async |bound| {
                Ok(app.ceremonies.take::<Asked>(session, bound, visit.now()).await?)
            })
            .await?
        }
        Err(_) => None,
    };
    let done = match asked {
        None => Err(NotDone::Bad(Reason::SessionExpired)),
        Some(Asked::Create(registration)) => {
            let answer = Attestation::read(&credential).map_err(|_| FormError::Malformed)?;
            created(app, &visit, &holder, registration, &answer).await
        }
        Some(Asked::Use(authentication)) => {
            let answer = Assertion::read(&credential).map_err(|_| FormError::Malformed)?;
            used(app, &visit, &holder, &authentication, &answer).await
        }
    };
    match done {
        Ok(()) => went_on(app, id, &posted.browser).await,
        Err(NotDone::Bad(reason)) => {
            // The last try there was may have ended it.
            let visit = Visit::load(app, id).await?;
            show::page(app, &visit, &posted.browser, Some(reason)).await
        }
        Err(NotDone::Refused(error)) => Err(visit.refused(error)),
        Err(NotDone::Trouble(trouble)) => Err(trouble.into()),
    }
}

/// On to what there is to do next. Where there is nothing any more, a passkey answered: the browser has a new session,
/// which is the recipient's.
async fn went_on(app: &App, id: EnrollmentId, old: &BrowserSession) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let next = see_other(&visit.path());
    if visit.status() != Status::Completed {
        return Ok(next);
    }
    let new = BrowserSession::random();
    let sessions = (old.hash(app.vault.master()), new.hash(app.vault.master()));
    let user = visit.session.request.user_id;
    proof::record(&app.pool, sessions, &visit.completion(), user, visit.now()).await?;
    Ok(with_session(next, &new))
}

/// Whoever holds the handle that this browser proved.
async fn holder(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<Holder, PageError> {
    visit.is_open()?;
    if !visit.is_proven(app, browser).await? {
        return Err(PageError::NoCode(visit.id.into()));
    }
    Ok(holder::find_or_make(app, &visit.recipient, &visit.occasion).await?)
}

/// A ceremony is this browser's, for this enrollment as it stands.
async fn bound<T>(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    run: impl AsyncFnOnce(Binding<'_>) -> Result<T, PageError>,
) -> Result<T, PageError> {
    let (session, sequence) = (browser.hash(app.vault.master()), visit.sequence.to_be_bytes());
    let holder = [&session[..], visit.id.0.as_bytes(), &sequence[..]];
    run(Binding { kind: KIND, holder: &holder }).await
}

async fn created(
    app: &App,
    visit: &Visit,
    holder: &Holder,
    registration: Registration,
    answer: &Attestation,
) -> Result<(), NotDone> {
    let added = passkey::add(app, holder, (registration, answer), None, &visit.occasion).await?;
    let kept = passkey::kept(app, holder.id, &added).await?;
    enrolling::register(app, visit.step(), (holder.id, &added, &kept)).await?;
    tracing::info!(enrollment = %visit.id, "a passkey was created");
    Ok(())
}

/// The passkey of somebody else is not taken, though it be as good.
async fn used(
    app: &App,
    visit: &Visit,
    holder: &Holder,
    authentication: &Authentication,
    answer: &Assertion,
) -> Result<(), NotDone> {
    if visit.status() == Status::DeviceRegistered {
        enrolling::verify(app, visit.step(), authentication, answer).await?;
        return Ok(());
    }
    let shower = passkey::finish_showing(app, authentication, answer, &visit.occasion).await;
    let shower = shower.map_err(NotDone::from)?;
    if shower.person != holder.id {
        return Err(NotTaken::Bad(Reason::UnknownCredential).into());
    }
    let passkey = (shower.person, &shower.passkey, &shower.kept);
    let session: Session = enrolling::register(app, visit.step(), passkey).await?;
    let step = Step { session: &session, ..visit.step() };
    enrolling::complete(app, step, &shower).await?;
    Ok(())
}
