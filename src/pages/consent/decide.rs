//! `POST /r/{id}/decide`: a code comes back, and what it was asked for is done.
//!
//! The order matters: the try is counted before anything is compared, the code is used up before anything is decided,
//! and what is decided is what the code is bound to, not what the form says.

use axum::response::Response;
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Assurance, AssuranceMethod, Consent, ConsentCommand};
use mobid_domain::id::ConsentId;

use super::ask::check_cap;
use super::enter::code_page;
use super::grant::Grant;
use super::{ByCode, Visit};
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::code::{self, Action, Issued, OneTimeCode, Standing};
use crate::ephemeral::proof;
use crate::event_store::Terms;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::post::Posted;
use crate::pages::view::{see_other, with_session};
use crate::words::Problem;

pub async fn decide(app: &App, id: ConsentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let session = posted.browser.hash(app.vault.master());
    let issued = code::find(&app.pool, session, &posted.resource).await?;
    let issued = issued.ok_or(PageError::NoCode(visit.id.into()))?;
    if issued.standing(visit.now) == Standing::Used {
        // A form that was sent twice: where the consent stands says what came of the first.
        return Ok(see_other(&visit.path()));
    }
    visit.allows(issued.bound.action)?;
    let Some(typed) = OneTimeCode::typed(posted.form.one("code")?) else {
        return code_page(app, &visit, &posted.browser, &issued, Some(Problem::NoCode));
    };
    let Some(tried) = code::count_try(&app.pool, session, &posted.resource, visit.now).await? else {
        return no_longer_good(app, &visit, &posted.browser).await;
    };
    check_cap(app, &visit, Use::Try, posted.address).await?;
    if tried.bound.sequence != visit.sequence {
        return Err(PageError::Changed(visit.id.into()));
    }
    if !tried.is(app.vault.master(), &typed) {
        let problem = match tried.standing(visit.now) {
            Standing::Good { tries_left } => Problem::WrongCode { tries_left },
            _ => Problem::ExhaustedCode,
        };
        return code_page(app, &visit, &posted.browser, &tried, Some(problem));
    }
    let by_code = visit.accepts_code(app, tried.bound.action).await?;
    if code::redeem(&app.pool, &tried, visit.now).await? {
        execute(app, &visit, &tried).await?;
        if by_code == ByCode::Proves {
            return proven(app, &visit, session).await;
        }
    }
    Ok(see_other(&visit.path()))
}

/// The code ended, or was used up, by somebody quicker.
async fn no_longer_good(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<Response, PageError> {
    let session = browser.hash(app.vault.master());
    let issued = code::find(&app.pool, session, &visit.id.to_string()).await?;
    let issued = issued.ok_or(PageError::NoCode(visit.id.into()))?;
    let problem = match issued.standing(visit.now) {
        Standing::Used | Standing::Good { .. } => return Ok(see_other(&visit.path())),
        Standing::Expired => Problem::ExpiredCode,
        Standing::Exhausted => Problem::ExhaustedCode,
    };
    code_page(app, visit, browser, &issued, Some(problem))
}

/// Does what the code was asked for, if the consent is still the one that it was asked about.
pub(in crate::pages) async fn execute(app: &App, visit: &Visit, proven: &Issued) -> Result<(), PageError> {
    let assurance =
        Assurance { method: AssuranceMethod::OneTimeCode, user_verified: false, bound_at: proven.created_at };
    let command = match proven.bound.action {
        Action::View | Action::Enroll => return Ok(()),
        Action::Reject => ConsentCommand::Reject { assurance },
        Action::Withdraw => ConsentCommand::Withdraw { assurance },
        Action::Approve => {
            let sealed = proven.bound.grant.as_ref().ok_or(PageError::Changed(visit.id.into()))?;
            let grant = Grant::open(visit, sealed)?;
            let claims = grant.sealed_claims(visit)?;
            ConsentCommand::Approve { granted_scope: grant.scope, claims, assurance }
        }
    };
    let bound_to = proven.bound.sequence;
    let holds = |sequence| sequence == bound_to;
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let context = visit.command(Actor::Recipient(visit.session.request.user_id));
    let done = app.store.execute::<Consent>(&visit.id.to_string(), command, &context, terms).await;
    let done = done.map_err(|error| visit.refused(error))?;
    let (action, position) = (proven.bound.action.as_str(), done.appended.map(|appended| appended.position));
    tracing::info!(consent = %visit.id, action, position, "recipient decided");
    Ok(())
}

/// A new session for the browser, which may see the claims for a while.
pub(super) async fn proven(app: &App, visit: &Visit, old: [u8; 32]) -> Result<Response, PageError> {
    let browser = BrowserSession::random();
    let new = browser.hash(app.vault.master());
    let user = visit.session.request.user_id;
    proof::record(&app.pool, (old, new), &visit.id.to_string(), user, visit.now).await?;
    Ok(with_session(see_other(&visit.path()), &browser))
}
