//! A decision by passkey: what it is to sign, and what came of it.
//!
//! The passkey signs what the page shows, word for word (`person::decision`); what is decided is what was signed, and not
//! what the form says when it comes back.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Assurance, AssuranceMethod, Consent, ConsentCommand, Status};
use mobid_domain::fido::Reason;
use mobid_domain::id::{CeremonyId, ConsentId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ask::{check_cap, granted, scan};
use super::decide::proven;
use super::grant::{Filled, Grant};
use super::show::request_page;
use super::{Visit, outcome};
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::ceremony::Binding;
use crate::ephemeral::code::Action;
use crate::event_store::Terms;
use crate::http::request_id;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::form::{Form, FormError};
use crate::pages::post::Posted;
use crate::pages::qr::Via;
use crate::pages::view::render;
use crate::person::Occasion;
use crate::person::decision::{self, Text};
use crate::person::device::{self, Member};
use crate::person::passkey::{self, NotTaken, Shower};
use crate::person::recipient::Addressee;
use crate::webauthn::{Assertion, Authentication};

const KIND: &str = "hosted_consent";

/// A ceremony under way: what would be done, and what is signed for it.
#[derive(Serialize, Deserialize)]
struct Asked {
    authentication: Authentication,
    sequence: i64,
    action: String,
    grant: Option<Grant>,
    decision: decision::Asked,
}

/// `POST /r/{id}/passkey/begin`
pub async fn begin(app: &App, id: ConsentId, posted: Posted) -> Result<Response, PageError> {
    let mut visit = Visit::load(app, id).await?;
    passkey::relying_party(app)?;
    check_cap(app, &visit, Use::Begin, posted.address).await?;
    let (action, grant) = match wanted(app, &mut visit, &posted.form).await? {
        Ok(wanted) => wanted,
        Err(filled) => {
            let via = Via::parse(posted.form.one("via")?);
            return Ok(request_page(app, &visit, &posted.browser, &filled, via));
        }
    };
    ask(app, &visit, &posted.browser, action, grant).await
}

/// Has a passkey asked for what the page shows; its answer counts in this browser alone.
pub(in crate::pages) async fn ask(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    action: Action,
    grant: Option<Grant>,
) -> Result<Response, PageError> {
    let scope = grant.as_ref().map(|grant| grant.scope.as_slice()).unwrap_or_default();
    let text = Text::new(
        (visit.id, visit.sequence),
        &visit.session,
        (visit.client.as_str(), &visit.recipient),
        (action.as_str(), scope),
    );
    let decision = decision::Asked::new(&text)?;
    let (get, authentication) = passkey::begin_showing(app, Some(decision.challenge()))?;
    let (sequence, action) = (visit.sequence, action.as_str().to_owned());
    let asked = Asked { authentication, sequence, action, grant, decision };
    let (session, holder) = (browser.hash(app.vault.master()), visit.id.0);
    let bound = Binding { kind: KIND, holder: &[&session[..], holder.as_bytes()] };
    let (session, _) = app.ceremonies.begin(bound, &asked, visit.now).await?;
    Ok(Json(json!({ "get": get, "session": session })).into_response())
}

/// `POST /r/{id}/passkey`
pub async fn finish(app: &App, id: ConsentId, posted: Posted) -> Result<Response, PageError> {
    let mut visit = Visit::load(app, id).await?;
    passkey::relying_party(app)?;
    let credential = posted.form.one("credential")?;
    if credential.is_empty() {
        // Without a script, or what was to be asked was refused: the page says why.
        let filled = wanted(app, &mut visit, &posted.form).await?.err();
        return page(app, &visit, &posted.browser, filled, None).await;
    }
    match answered(app, &visit, &posted.browser, &posted.form).await? {
        Ok(()) => proven(app, &visit, posted.browser.hash(app.vault.master())).await,
        Err(reason) => page(app, &visit, &posted.browser, None, Some(reason)).await,
    }
}

/// Does what was asked for if the passkey that answers is the recipient's; else why it was not taken.
pub(in crate::pages) async fn answered(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    form: &Form,
) -> Result<Result<(), Reason>, PageError> {
    let credential: Value =
        serde_json::from_str(form.one("credential")?).map_err(|_| FormError::Malformed)?;
    let answer = Assertion::read(&credential).map_err(|_| FormError::Malformed)?;
    let session = browser.hash(app.vault.master());
    let asked: Option<Asked> = match form.one("session")?.parse::<CeremonyId>() {
        Ok(ceremony) => {
            let bound = Binding { kind: KIND, holder: &[&session[..], visit.id.0.as_bytes()] };
            app.ceremonies.take(ceremony, bound, visit.now).await?
        }
        Err(_) => None,
    };
    let Some(asked) = asked else { return Ok(Err(Reason::SessionExpired)) };
    if asked.sequence != visit.sequence {
        return Err(PageError::Changed(visit.id.into()));
    }
    match shown(app, visit, &asked.authentication, &answer).await {
        Ok(shower) => decide(app, visit, &asked, &answer, &shower).await.map(Ok),
        Err(NotTaken::Bad(reason)) => Ok(Err(reason)),
        Err(NotTaken::PasskeyNeeded) => Err(PageError::Ended(visit.id.into())),
        Err(NotTaken::Trouble(trouble)) => Err(trouble.into()),
    }
}

type Wanted = Result<(Action, Option<Grant>), Filled>;

/// What the form asks for, if it can be done to what stands there now.
async fn wanted(app: &App, visit: &mut Visit, form: &Form) -> Result<Wanted, PageError> {
    let action = form.one("action")?;
    let action = Action::parse(action.strip_suffix("_by_passkey").unwrap_or(action));
    let action = action.ok_or(FormError::Malformed)?;
    visit.fits(action)?;
    if form.one("sequence")?.parse() != Ok(visit.sequence) {
        return Err(PageError::Changed(visit.id.into()));
    }
    if let Some(via) = Via::parse(form.one("via")?) {
        scan(app, visit, via).await?;
    }
    Ok(granted(visit, action, form)?.map(|grant| (action, grant)))
}

/// Whose passkey it is, if it is the recipient's and the client lets it.
async fn shown(
    app: &App,
    visit: &Visit,
    authentication: &Authentication,
    answer: &Assertion,
) -> Result<Shower, NotTaken> {
    let request = &visit.session.request;
    let occasion = Occasion { at: visit.now, request_id: request_id::current(), lang: visit.words.lang };
    let shower = passkey::finish_showing(app, authentication, answer, &occasion).await?;
    let (client, handle, user) = (request.client_id, &visit.recipient, request.user_id);
    if !(Addressee { client, handle, user }).is(app, shower.person).await? {
        return Err(NotTaken::Bad(Reason::UnknownCredential));
    }
    // To a client that the person enrolled with it is a device, which the client may have blocked.
    let device = device::find(app, client, shower.passkey.id).await?;
    let (member, consent) = (Member { client, user, key: &visit.key }, visit.id.to_string());
    device::admit(app, member, (device, &shower), (&occasion, &consent)).await?;
    Ok(shower)
}

/// Does what was signed, and keeps what was signed with it.
async fn decide(
    app: &App,
    visit: &Visit,
    asked: &Asked,
    answer: &Assertion,
    shower: &Shower,
) -> Result<(), PageError> {
    let user_verified = shower.shown.user_verified;
    let assurance = Assurance { method: AssuranceMethod::Passkey, user_verified, bound_at: visit.now };
    let decision = match Action::parse(&asked.action) {
        Some(Action::Approve) => {
            let grant = asked.grant.as_ref().ok_or(PageError::Changed(visit.id.into()))?;
            let (granted_scope, claims) = (grant.scope.clone(), grant.sealed_claims(visit)?);
            ConsentCommand::Approve { granted_scope, claims, assurance }
        }
        Some(Action::Reject) => ConsentCommand::Reject { assurance },
        Some(Action::Withdraw) => ConsentCommand::Withdraw { assurance },
        // To see what was shared decides nothing.
        Some(Action::View | Action::Enroll) | None => return Ok(()),
    };
    let proof = asked.decision.proof(answer, &shower.kept, (visit.id, &visit.session, &visit.key))?;
    let command = ConsentCommand::Prove { proof: Box::new(proof), decision: Box::new(decision) };
    let bound_to = asked.sequence;
    let holds = |sequence| sequence == bound_to;
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let context = visit.command(Actor::Recipient(visit.session.request.user_id));
    let done = app.store.execute::<Consent>(&visit.id.to_string(), command, &context, terms).await;
    let done = done.map_err(|error| visit.refused(error))?;
    let position = done.appended.map(|appended| appended.position);
    tracing::info!(consent = %visit.id, action = asked.action, position, "recipient decided by passkey");
    Ok(())
}

/// The page as it stands, with what was wrong.
async fn page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    filled: Option<Filled>,
    problem: Option<Reason>,
) -> Result<Response, PageError> {
    let words = visit.words.passkeys();
    if visit.status() == Status::Pending {
        let mut filled = filled.unwrap_or_else(|| Filled::blank(&visit.session.request.scope));
        filled.passkey = problem.map(words.not_taken);
        return Ok(request_page(app, visit, browser, &filled, None));
    }
    let mut page = outcome::page(app, visit, browser).await?;
    page.problem = problem.map(words.not_taken);
    page.frame.error = problem.is_some();
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(render(status, &page))
}
