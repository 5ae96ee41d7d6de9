//! A consent that was answered or has ended: what happened, what was granted, what can still be done.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mobid_domain::consent::{Approval, Phase, RevokedBy, Status};

use super::Visit;
use crate::app::App;
use crate::ephemeral::code::Action;
use crate::ephemeral::proof;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::field::{Claim, Source};
use crate::pages::view::{
    Ceremony, Fact, Frame, Granted, Link, Moment, Offer, OutcomePage, SharedField, Tone,
};
use crate::vault::SealError;

pub async fn page(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<OutcomePage, PageError> {
    let session = browser.hash(app.vault.master());
    let (resource, user) = (visit.id.to_string(), visit.session.request.user_id);
    let proven = proof::holds(&app.pool, session, &resource, user, visit.now).await?;
    let (title, text) = headline(visit);
    Ok(OutcomePage {
        frame: Frame { words: visit.words, title: title.to_owned(), error: false },
        hidden: visit.hidden(app, browser),
        tone: if visit.status() == Status::Approved { Tone::Good } else { Tone::Neutral },
        text,
        facts: facts(visit),
        granted: granted(visit, proven)?,
        offers: offers(visit, proven),
        problem: None,
        ceremony: Ceremony::new(visit.words.passkeys(), visit.words.passkeys().withdraw),
        return_link: if proven { return_link(visit)? } else { None },
    })
}

pub(in crate::pages) fn headline(visit: &Visit) -> (&'static str, String) {
    let words = visit.words;
    let note = match (&visit.session.phase, visit.status()) {
        (Phase::Revoked { by: RevokedBy::Client, approval: None, .. }, _) => {
            return (words.taken_back_title, (words.taken_back)(&visit.client));
        }
        (Phase::Revoked { by: RevokedBy::Client, .. }, _) => {
            return (words.ended_by_client_title, (words.ended_by_client)(&visit.client));
        }
        (Phase::Revoked { by: RevokedBy::Recipient, .. }, _) => words.revoked_by_you,
        (Phase::Approved(_), _) => words.approved,
        (Phase::Rejected { .. }, _) => words.rejected,
        (Phase::Pending | Phase::Expired { .. }, _) => words.expired,
    };
    (note.title, note.text.to_owned())
}

pub(in crate::pages) fn facts(visit: &Visit) -> Vec<Fact> {
    let words = visit.words;
    let when = |term, at: DateTime<Utc>| {
        let moment = Moment::new(words, at);
        Fact { term, text: moment.text, rfc3339: Some(moment.rfc3339) }
    };
    let plain = |term, text| Fact { term, text, rfc3339: None };
    let mut facts = vec![
        plain(words.client_term, visit.client.clone()),
        plain(words.purpose_term, words.purpose_of(visit.session.request.purpose.as_str())),
        plain(words.recipient_term, visit.recipient.masked()),
    ];
    match &visit.session.phase {
        Phase::Approved(approval) => facts.push(when(words.approved_term, approval.at)),
        Phase::Rejected { at, .. } => facts.push(when(words.rejected_term, *at)),
        Phase::Revoked { by, approval, at } => {
            facts.extend(approval.as_ref().map(|approval| when(words.approved_term, approval.at)));
            let term = match by {
                RevokedBy::Client => words.taken_back_term,
                RevokedBy::Recipient => words.withdrawn_term,
            };
            facts.push(when(term, *at));
        }
        Phase::Pending | Phase::Expired { .. } => {
            facts.push(when(words.expired_term, visit.session.request.expires_at));
        }
    }
    facts
}

/// What was granted; the values only for who proved to be the recipient.
pub(in crate::pages) fn granted(visit: &Visit, proven: bool) -> Result<Option<Granted>, PageError> {
    let Some(approval) = visit.session.approval() else { return Ok(None) };
    let words = visit.words;
    let claims = if proven { claims(visit, approval)? } else { BTreeMap::new() };
    let fields = approval.granted_scope.iter().map(|slug| {
        let source = |source| match source {
            Source::VerifiedHandle => words.verified,
            Source::SelfAsserted => words.self_asserted,
        };
        let claim = claims.get(slug.as_str());
        SharedField {
            label: words.field_of(slug.as_str()),
            value: claim.map(|claim| (claim.value.clone(), source(claim.source))),
        }
    });
    let (heading, instead) = match visit.status() {
        Status::Approved => (words.granted_heading, words.hidden_value),
        _ => (words.granted_heading_past, words.gone_value),
    };
    Ok(Some(Granted { heading, instead, fields: fields.collect() }))
}

fn claims(visit: &Visit, approval: &Approval) -> Result<BTreeMap<String, Claim>, PageError> {
    let Some(sealed) = &approval.claims else { return Ok(BTreeMap::new()) };
    let tenant = visit.session.request.client_id;
    let plain = visit.key.open_in(tenant, &visit.id.to_string(), "claims", sealed)?;
    Ok(serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)?)
}

fn offers(visit: &Visit, proven: bool) -> Vec<Offer> {
    let (words, masked) = (visit.words, visit.recipient.masked());
    let mut offers = vec![];
    let Phase::Approved(approval) = &visit.session.phase else { return offers };
    if !proven && approval.claims.is_some() {
        offers.push(Offer {
            title: words.view_title,
            text: (words.view_text)(&masked),
            action: Action::View.as_str(),
            label: Some(words.view),
            by_passkey: words.passkeys().view,
            careful: false,
        });
    }
    let by_code = !visit.passkey_demanded();
    let text = if by_code { words.withdraw_text } else { words.passkeys().withdraw_text };
    offers.push(Offer {
        title: words.withdraw_title,
        text: text(&visit.client, &masked),
        action: Action::Withdraw.as_str(),
        label: by_code.then_some(words.withdraw),
        by_passkey: words.passkeys().withdraw,
        careful: true,
    });
    offers
}

/// The way back to the client may say who somebody is there, so it is for the recipient only.
fn return_link(visit: &Visit) -> Result<Option<Link>, PageError> {
    let request = &visit.session.request;
    let Some(sealed) = &request.return_url else { return Ok(None) };
    let href = visit.key.open_text_in(request.client_id, &visit.id.to_string(), "returnUrl", sealed)?;
    Ok(Some(Link { href, label: (visit.words.return_to)(&visit.client) }))
}
