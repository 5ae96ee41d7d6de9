//! The pages as templates see them: finished text, no rules.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};

use super::browser::BrowserSession;
use crate::words::logins::LoginWords;
use crate::words::passkeys::PasskeyWords;
use crate::words::{Note, Words};

/// What every page has around it.
pub struct Frame {
    pub words: &'static Words,
    pub title: String,
    /// Whether something that was entered has to be put right.
    pub error: bool,
}

pub struct Link {
    pub href: String,
    pub label: String,
}

/// A moment, for people and for machines.
pub struct Moment {
    pub text: String,
    pub rfc3339: String,
}

impl Moment {
    pub fn new(words: &Words, at: DateTime<Utc>) -> Self {
        Self { text: (words.time)(at), rfc3339: at.to_rfc3339_opts(SecondsFormat::Secs, true) }
    }
}

/// What a form of ours always carries.
pub struct Hidden {
    pub resource: String,
    pub csrf: String,
    pub sequence: i64,
}

/// One field that is asked for.
pub struct AskedField {
    pub slug: String,
    pub label: String,
    pub input: &'static str,
    pub autocomplete: &'static str,
    pub multiline: bool,
    pub ticked: bool,
    pub value: String,
    pub problem: Option<String>,
}

/// A consent that waits for an answer.
#[derive(Template)]
#[template(path = "request.html", config = "src/pages/askama.toml")]
pub struct RequestPage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub purpose: String,
    pub masked: String,
    pub until: Moment,
    pub fields: Vec<AskedField>,
    pub problem: Option<String>,
    pub next_step: String,
    /// The QR code by which somebody came.
    pub via: Option<String>,
    /// Whether a code is enough for the client.
    pub by_code: bool,
    pub passkey_problem: Option<&'static str>,
    pub ceremony: Ceremony,
    pub passkeys: &'static PasskeyWords,
}

/// The code that was sent is to be entered.
#[derive(Template)]
#[template(path = "code.html", config = "src/pages/askama.toml")]
pub struct CodePage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub sent: String,
    pub will_do: String,
    /// What would be shared, where something would.
    pub fields: Option<Vec<String>>,
    pub problem: Option<String>,
    /// `None`: this code cannot be entered any more.
    pub tries_left: Option<String>,
    pub confirm: &'static str,
    pub careful: bool,
}

/// What a form says that asks for a passkey.
pub struct Ceremony {
    pub button: &'static str,
    pub stopped: &'static str,
    pub failed: &'static str,
    pub unsupported: &'static str,
    pub without_script: Note,
}

impl Ceremony {
    pub fn new(words: &PasskeyWords, button: &'static str) -> Self {
        let (stopped, failed, unsupported) = (words.stopped, words.failed, words.unsupported);
        Self { button, stopped, failed, unsupported, without_script: words.without_script }
    }
}

/// An enrollment, before the recipient proved to be so.
#[derive(Template)]
#[template(path = "enroll.html", config = "src/pages/askama.toml")]
pub struct EnrollPage {
    pub frame: Frame,
    pub hidden: Hidden,
    /// The QR code by which somebody came.
    pub via: Option<String>,
    pub masked: String,
    pub until: Moment,
    pub next_step: String,
    pub passkeys: &'static PasskeyWords,
}

/// An enrollment that waits for a passkey.
#[derive(Template)]
#[template(path = "passkey.html", config = "src/pages/askama.toml")]
pub struct PasskeyPage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub step: String,
    pub text: &'static str,
    pub facts: Vec<Fact>,
    pub known_heading: String,
    pub known: Vec<SharedField>,
    pub ceremony: Ceremony,
    pub problem: Option<&'static str>,
    /// For who has none of the passkeys that there are.
    pub lost: Option<Note>,
    pub passkeys: &'static PasskeyWords,
}

/// The number that stands beside a login's QR code is to be entered.
#[derive(Template)]
#[template(path = "number.html", config = "src/pages/askama.toml")]
pub struct NumberPage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub step: String,
    pub lead: String,
    pub careful: String,
    pub until: Moment,
    pub problem: Option<String>,
    pub tries_left: String,
    pub logins: &'static LoginWords,
}

/// A login that waits for a passkey.
#[derive(Template)]
#[template(path = "login.html", config = "src/pages/askama.toml")]
pub struct LoginPage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub step: String,
    pub lead: String,
    pub facts: Vec<Fact>,
    pub ceremony: Ceremony,
    pub problem: Option<&'static str>,
    /// For who has no passkey.
    pub none: String,
    pub logins: &'static LoginWords,
}

pub struct Fact {
    pub term: &'static str,
    pub text: String,
    pub rfc3339: Option<String>,
}

/// A field that was granted; its value is for the recipient only.
pub struct SharedField {
    pub label: String,
    pub value: Option<(String, &'static str)>,
}

pub struct Granted {
    pub heading: &'static str,
    /// What stands where a value is not shown.
    pub instead: &'static str,
    pub fields: Vec<SharedField>,
}

/// A form with one button, for what takes a code.
pub struct Offer {
    pub title: &'static str,
    pub text: String,
    pub action: &'static str,
    /// On the button that takes a code, where that is enough.
    pub label: Option<&'static str>,
    pub by_passkey: &'static str,
    pub careful: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Neutral,
}

/// A consent that was answered or has ended.
#[derive(Template)]
#[template(path = "outcome.html", config = "src/pages/askama.toml")]
pub struct OutcomePage {
    pub frame: Frame,
    pub hidden: Hidden,
    pub tone: Tone,
    pub text: String,
    pub facts: Vec<Fact>,
    pub granted: Option<Granted>,
    pub offers: Vec<Offer>,
    pub problem: Option<&'static str>,
    pub ceremony: Ceremony,
    pub return_link: Option<Link>,
}

/// A heading and some text.
#[derive(Template)]
#[template(path = "note.html", config = "src/pages/askama.toml")]
pub struct NotePage {
    pub frame: Frame,
    pub text: &'static str,
    pub more: Option<String>,
    pub link: Option<Link>,
    pub reference: Option<String>,
}

pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The response, with a new session for the browser.
pub fn with_session(mut response: Response, browser: &BrowserSession) -> Response {
    if let Some(cookie) = browser.set_cookie() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// On to another page, by GET.
pub fn see_other(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
