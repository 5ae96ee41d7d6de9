//! `GET /r/{id}`: where a consent stands, and what its recipient can do.
//!
//! Looking changes nothing, since link previews look too.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mobid_domain::consent::Status;

use super::grant::{Entered, Filled};
use super::{Visit, outcome};
use crate::app::App;
use crate::pages::browser::BrowserSession;
use crate::pages::error::PageError;
use crate::pages::qr::Via;
use crate::pages::view::{
    AskedField, Frame, Link, Moment, NotePage, RequestPage, render, see_other, with_session,
};
use crate::words::FieldKind;

pub type ResourcePath = Result<Path<String>, PathRejection>;

pub async fn show(
    State(app): State<App>,
    path: ResourcePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Path(resource) = path.map_err(|_| PageError::NotFound)?;
    let visit = Visit::load(&app, &resource).await?;
    let via = Via::of_query(query.as_deref());
    let known = BrowserSession::of(&headers);
    if known.is_none() && is_from_elsewhere(&headers) {
        return Ok(come_again(&visit, via));
    }
    let browser = known.clone().unwrap_or_else(BrowserSession::random);
    let response = match visit.status() {
        Status::Pending if !visit.client_is_active => return Err(PageError::ClientShutOut),
        Status::Pending => {
            let blank = Filled::blank(&visit.session.request.scope);
            request_page(&app, &visit, &browser, &blank, via)
        }
        _ => render(StatusCode::OK, &outcome::page(&app, &visit, &browser).await?),
    };
    Ok(if known.is_none() { with_session(response, &browser) } else { response })
}

/// `GET` of an address that only takes forms: somebody reloaded an answer.
pub async fn back(path: ResourcePath) -> Result<Response, PageError> {
    let Path(resource) = path.map_err(|_| PageError::NotFound)?;
    let id: mobid_domain::id::ConsentId = resource.parse().map_err(|_| PageError::NotFound)?;
    Ok(see_other(&format!("/r/{id}")))
}

/// A `SameSite=Strict` cookie stays away when a link on another site (web mail) leads here.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Lets the browser load the page again from our own, with its cookie if it has one: a code that it waits for would
/// be void if it got a new session here.
fn come_again(visit: &Visit, via: Option<Via>) -> Response {
    let words = visit.words;
    let href = visit.path() + &via.map(|via| format!("?via={via}")).unwrap_or_default();
    let refresh = HeaderValue::from_str(&format!("0; url={href}"));
    let page = NotePage {
        frame: Frame { words, title: words.one_moment.title.to_owned(), error: false },
        text: words.one_moment.text,
        more: None,
        link: Some(Link { href, label: words.look_again.to_owned() }),
        reference: None,
    };
    let mut response = render(StatusCode::OK, &page);
    if let Ok(refresh) = refresh {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
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
        answerable: !visit.passkey_demanded(),
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
