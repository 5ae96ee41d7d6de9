//! `GET /r/{id}`: where a consent stands, and what its recipient can do.
//!
//! Looking changes nothing, since link previews look too.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mobid_domain::consent::Status;
use mobid_domain::id::ConsentId;

use super::grant::{Entered, Filled};
use super::{Visit, outcome};
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::qr::Via;
use crate::pages::view::{
    AskedField, Ceremony, Frame, Link, Moment, NotePage, RequestPage, render, with_session,
};
use crate::words::{FieldKind, Words};

pub async fn show(
    app: &App,
    id: ConsentId,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let visit = Visit::load(app, id).await?;
    let via = Via::of_query(query);
    let known = BrowserSession::of(headers);
    if known.is_none() && is_from_elsewhere(headers) {
        return Ok(come_again(visit.words, &with_via(&visit, via)));
    }
    let browser = known.clone().unwrap_or_else(BrowserSession::random);
    let response = match visit.status() {
        Status::Pending if !visit.client_is_active => return Err(PageError::ClientShutOut),
        Status::Pending => {
            let blank = Filled::blank(&visit.session.request.scope);
            request_page(app, &visit, &browser, &blank, via)
        }
        _ => render(StatusCode::OK, &outcome::page(app, &visit, &browser).await?),
    };
    Ok(if known.is_none() { with_session(response, &browser) } else { response })
}

/// A `SameSite=Strict` cookie stays away when a link on another site (web mail) leads here.
pub fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Lets the browser load the page again from our own, with its cookie if it has one: a code that it waits for would
/// be void if it got a new session here.
pub fn come_again(words: &'static Words, href: &str) -> Response {
    let refresh = HeaderValue::from_str(&format!("0; url={href}"));
    let page = NotePage {
        frame: Frame { words, title: words.one_moment.title.to_owned(), error: false },
        text: words.one_moment.text,
        more: None,
        link: Some(Link { href: href.to_owned(), label: words.look_again.to_owned() }),
        reference: None,
    };
    let mut response = render(StatusCode::OK, &page);
    if let Ok(refresh) = refresh {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

fn with_via(visit: &Visit, via: Option<Via>) -> String {
    visit.path() + &via.map(|via| format!("?via={via}")).unwrap_or_default()
}

/// The page of a pending consent, blank or as it was filled in.
pub fn request_page(
    app: &App,
    visit: &Visit,
    browser: &BrowserSession,
    filled: &Filled,
    via: Option<Via>,
) -> Response {
    let (words, request) = (visit.words, &visit.session.request);
    let masked = visit.recipient.masked();
    let error = filled.is_wrong();
    let page = RequestPage {
        frame: Frame { words, title: (words.asks)(&visit.client), error },
        hidden: visit.hidden(app, browser),
        purpose: words.purpose_of(request.purpose.as_str()),
        until: Moment::new(words, request.expires_at),
        fields: filled.fields.iter().map(|entered| asked_field(visit, entered)).collect(),
        problem: filled.problem.map(words.problem),
        next_step: (words.next_step)(&masked),
        masked,
        via: via.map(|via| via.to_string()),
        by_code: !visit.passkey_demanded(),
        passkey_problem: filled.passkey,
        ceremony: Ceremony::new(words.passkeys(), words.passkeys().approve),
        passkeys: words.passkeys(),
    };
    render(if error { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

fn asked_field(visit: &Visit, entered: &Entered) -> AskedField {
    let kind = FieldKind::of(entered.slug.as_str());
    AskedField {
        slug: entered.slug.to_string(),
        label: visit.words.field_of(entered.slug.as_str()),
        input: kind.input(),
        autocomplete: kind.autocomplete(),
        multiline: kind == FieldKind::Address,
        ticked: entered.ticked,
        value: entered.text.clone(),
        problem: entered.problem.map(visit.words.problem),
    }
}
