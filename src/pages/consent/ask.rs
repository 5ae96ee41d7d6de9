//! `POST /r/{id}/code`: the recipient says what they want to do, and is sent the code that lets them.
//! `POST /r/{id}/again`: sends another code for the same.

use std::net::IpAddr;

use axum::response::Response;
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Consent, ConsentCommand, Status};
use mobid_domain::id::ConsentId;
use mobid_domain::qr::Target;
use mobid_domain::slug::Slug;

use super::Visit;
use super::grant::Grant;
use super::show::request_page;
use crate::app::App;
use crate::ephemeral::cap::Use;
use crate::ephemeral::code::{self, Action, Bound, OneTimeCode, Standing};
use crate::event_store::Terms;
use crate::notifier::Message;
use crate::pages::browser::BrowserSession;
use crate::pages::caps::{self, Counted};
use crate::pages::error::PageError;
use crate::pages::form::{Form, FormError};
use crate::pages::post::Posted;
use crate::pages::qr::{Via, record_scan};
use crate::pages::view::see_other;

pub async fn ask(app: &App, id: ConsentId, posted: Posted) -> Result<Response, PageError> {
    let Posted { browser, address, form, .. } = posted;
    let mut visit = Visit::load(app, id).await?;
    let action = Action::parse(form.one("action")?).ok_or(FormError::Malformed)?;
    visit.allows(action)?;
    if form.one("sequence")?.parse() != Ok(visit.sequence) {
        return Err(PageError::Changed(visit.id.into()));
    }
    let via = Via::parse(form.one("via")?);
    if let Some(via) = via {
        scan(app, &mut visit, via).await?;
    }
    let grant = match granted(&visit, action, &form)? {
        Ok(grant) => grant,
        Err(filled) => return Ok(request_page(app, &visit, &browser, &filled, via)),
    };
    send(app, &visit, &browser, address, action, grant.as_ref()).await?;
    Ok(see_other(&format!("{}/code", visit.path())))
}

pub async fn again(app: &App, id: ConsentId, posted: Posted) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let session = posted.browser.hash(app.vault.master());
    let former = code::find(&app.pool, session, &posted.resource).await?;
    let former = former.ok_or(PageError::NoCode(visit.id.into()))?;
    visit.allows(former.bound.action)?;
    if former.standing(visit.now) == Standing::Used {
        return Err(PageError::NoCode(visit.id.into()));
    }
    if former.bound.sequence != visit.sequence {
        return Err(PageError::Changed(visit.id.into()));
    }
    let grant = former.bound.grant.as_ref().map(|sealed| Grant::open(&visit, sealed)).transpose()?;
    send(app, &visit, &posted.browser, posted.address, former.bound.action, grant.as_ref()).await?;
    Ok(see_other(&format!("{}/code", visit.path())))
}

pub(super) type Granted = Result<Option<Grant>, super::grant::Filled>;

pub(super) fn granted(visit: &Visit, action: Action, form: &Form) -> Result<Granted, PageError> {
    match action {
        Action::Approve => Ok(Grant::read(visit, form)?.map(Some)),
        Action::Reject | Action::Withdraw | Action::View | Action::Enroll => Ok(Ok(None)),
    }
}

/// Records that a QR code led here: that somebody acts says so, a link preview does not. Anybody who has the code may
/// have scanned it, so it is not the recipient who is on record for it.
pub(super) async fn scan(app: &App, visit: &mut Visit, via: Via) -> Result<(), PageError> {
    if let Via::Code(code) = via {
        let context = visit.command(Actor::System("hosted_page"));
        record_scan(app, code, Target::Consent(visit.id), &context).await?;
    }
    if visit.status() != Status::Pending || visit.session.scanned_at.is_some() {
        return Ok(());
    }
    let shown = visit.sequence;
    let holds = |sequence| sequence == shown;
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let context = visit.command(Actor::System("hosted_page"));
    let scanned =
        app.store.execute::<Consent>(&visit.id.to_string(), ConsentCommand::Scan, &context, terms).await;
    let scanned = scanned.map_err(|error| visit.refused(error))?;
    // What is bound from here on is bound to the consent as scanned, which says the same as the one shown.
    visit.sequence = scanned.sequence;
    visit.session = scanned.state.session().cloned().ok_or(PageError::NotFound)?;
    Ok(())
}

pub(in crate::pages) async fn send(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    address: Option<IpAddr>,
    action: Action,
    grant: Option<&Grant>,
) -> Result<(), PageError> {
    if !app.notifier.reaches(&visit.recipient) {
        return Err(PageError::NoWayThere);
    }
    check_cap(app, visit, Use::Send, address).await?;
    let bound = Bound {
        session: browser.hash(app.vault.master()),
        resource: visit.id.to_string(),
        sequence: visit.sequence,
        action,
        grant: grant.map(|grant| grant.seal(visit)).transpose()?,
    };
    let code = code::issue(&app.pool, app.vault.master(), &bound, visit.now).await?;
    let sent = app.notifier.send(&visit.recipient, message(visit, action, grant, &code)).await;
    sent.map_err(|error| {
        tracing::error!(error = %error, consent = %visit.id, "a code could not be sent");
        PageError::NotSent(visit.id.into())
    })
}

fn message(visit: &Visit, action: Action, grant: Option<&Grant>, code: &OneTimeCode) -> Message<'static> {
    let scope = grant.map(|grant| grant.scope.as_slice()).unwrap_or_default();
    let fields = visit.words.fields_in_message(scope.iter().map(Slug::as_str));
    Message {
        to: "",
        channel: "",
        subject: (visit.words.code_subject)(&visit.client),
        text: (visit.words.code_text)(code.reveal(), action, &visit.client, &fields),
        link: None,
        code: Some(code.reveal().to_owned()),
        resource_id: visit.id.to_string(),
    }
}

/// Counts a use of codes; refuses one too many.
pub(in crate::pages) async fn check_cap(
    app: &App,
    visit: &Visit,
    of: Use,
    address: Option<IpAddr>,
) -> Result<(), PageError> {
    let counted = Counted {
        resource: visit.id.into(),
        handle: &visit.recipient,
        client: visit.session.request.client_id,
        address,
        now: visit.now,
    };
    caps::check(app, of, counted).await
}
