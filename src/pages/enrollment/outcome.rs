//! An enrollment that ended: how.

use mobid_domain::enrollment::{Phase, Status};

use super::Visit;
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::view::{Ceremony, Fact, Frame, Link, Moment, OutcomePage, Tone};

pub async fn page(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<OutcomePage, PageError> {
    let words = visit.words.passkeys();
    let (title, text) = match visit.status() {
        Status::Completed => (words.completed.title, words.completed.text.to_owned()),
        Status::Failed => (words.failed_for_good.title, words.failed_for_good.text.to_owned()),
        Status::Cancelled => (words.cancelled_title, (words.cancelled)(&visit.client)),
        Status::Expired | Status::Pending | Status::DeviceRegistered => {
            (words.expired.title, words.expired.text.to_owned())
        }
    };
    let returns = match visit.status() {
        Status::Completed => visit.holds(app, browser, &visit.completion()).await?,
        _ => visit.is_proven(app, browser).await? && visit.tells_by_code(app).await?,
    };
    Ok(OutcomePage {
        frame: Frame { words: visit.words, title: title.to_owned(), error: false },
        hidden: visit.hidden(app, browser),
        tone: if visit.status() == Status::Completed { Tone::Good } else { Tone::Neutral },
        text,
        facts: facts(visit),
        granted: None,
        offers: vec![],
        problem: None,
        ceremony: Ceremony::new(words, words.verify_button),
        return_link: if returns { return_link(visit)? } else { None },
    })
}

fn facts(visit: &Visit) -> Vec<Fact> {
    let (words, passkeys) = (visit.words, visit.words.passkeys());
    let plain = |term, text| Fact { term, text, rfc3339: None };
    let (term, at) = match visit.session.phase {
        Phase::Completed { at, .. } => (passkeys.completed_term, at),
        Phase::Failed { at, .. } | Phase::Cancelled { at } => (passkeys.ended_term, at),
        Phase::Pending | Phase::DeviceRegistered | Phase::Expired { .. } => {
            (passkeys.expired_term, visit.session.request.expires_at)
        }
    };
    let moment = Moment::new(words, at);
    vec![
        plain(words.client_term, visit.client.clone()),
        plain(words.recipient_term, visit.recipient.masked()),
        Fact { term, text: moment.text, rfc3339: Some(moment.rfc3339) },
    ]
}

/// The way back to the client may say who somebody is there, so it is for the recipient only.
fn return_link(visit: &Visit) -> Result<Option<Link>, PageError> {
    let request = &visit.session.request;
    let Some(sealed) = &request.return_url else { return Ok(None) };
    let href = visit.key.open_text_in(request.client_id, &visit.id.to_string(), "returnUrl", sealed)?;
    Ok(Some(Link { href, label: (visit.words.return_to)(&visit.client) }))
}
