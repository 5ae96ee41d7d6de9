//! A login that is over: how.

use mobid_domain::qr::EndReason;

use super::{Standing, Visit};
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::view::{Ceremony, Fact, Frame, Moment, OutcomePage, Tone};

pub async fn page(app: &App, visit: &Visit, browser: &BrowserSession) -> Result<OutcomePage, PageError> {
    let (words, logins) = (visit.words, visit.logins());
    let done_here =
        matches!(visit.standing, Standing::Used { .. }) && visit.is_done_here(app, browser).await?;
    let (note, term, at) = match visit.standing {
        Standing::Used { at } if done_here => (logins.done, logins.done_term, at),
        Standing::Used { at } => (logins.used, logins.used_term, at),
        Standing::Ended { reason: EndReason::Declined, at } => (logins.declined, logins.ended_term, at),
        Standing::Ended { reason: EndReason::TooManyTries, at } => (logins.exhausted, logins.ended_term, at),
        Standing::Expired | Standing::Open => {
            (logins.expired, words.expired_term, visit.generation.expires_at)
        }
    };
    let moment = Moment::new(words, at);
    Ok(OutcomePage {
        frame: Frame { words, title: note.title.to_owned(), error: false },
        hidden: visit.hidden(app, browser),
        tone: if done_here { Tone::Good } else { Tone::Neutral },
        text: (note.text)(&visit.client),
        facts: vec![
            Fact { term: logins.client_term, text: visit.client.clone(), rfc3339: None },
            Fact { term, text: moment.text, rfc3339: Some(moment.rfc3339) },
        ],
        granted: None,
        offers: vec![],
        problem: None,
        ceremony: Ceremony::new(words.passkeys(), logins.passkey_button),
        return_link: None,
    })
}
