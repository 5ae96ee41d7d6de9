//! The pages under `/me` as templates see them: finished text, no rules.

use askama::Template;

use crate::pages::view::{Ceremony, Fact, Frame, Granted, Link, Moment};
use crate::words::me::MeWords;

/// Where one signs in.
#[derive(Template)]
#[template(path = "me/sign_in.html", config = "src/pages/askama.toml")]
pub struct SignInPage {
    pub frame: Frame,
    pub csrf: String,
    pub me: &'static MeWords,
    pub has_passkeys: bool,
    pub passkey_problem: Option<&'static str>,
    pub handle_problem: Option<&'static str>,
    pub typed: String,
    pub ceremony: Ceremony,
}

/// A code is not enough.
#[derive(Template)]
#[template(path = "me/needs_passkey.html", config = "src/pages/askama.toml")]
pub struct NeedsPasskeyPage {
    pub frame: Frame,
    pub csrf: String,
    pub me: &'static MeWords,
    pub text: String,
    pub problem: Option<&'static str>,
    pub lost_title: &'static str,
    pub lost_button: &'static str,
    pub ceremony: Ceremony,
}

/// A code is to be entered.
#[derive(Template)]
#[template(path = "me/code.html", config = "src/pages/askama.toml")]
pub struct CodePage {
    pub frame: Frame,
    pub csrf: String,
    /// Of the consent that it is about, if it is about one.
    pub sequence: Option<i64>,
    /// Its own address, without the last part.
    pub at: String,
    pub sent: String,
    pub will_do: String,
    pub problem: Option<String>,
    /// `None`: this code cannot be entered any more.
    pub tries_left: Option<String>,
    pub confirm: &'static str,
    pub careful: bool,
    /// What to do if nothing came.
    pub missing: Option<&'static str>,
    pub send_again: String,
    pub back: (String, &'static str),
}

/// One consent among others.
pub struct Entry {
    pub href: String,
    pub client: String,
    pub status: &'static str,
    /// For the colour, which says nothing that the words do not.
    pub tone: &'static str,
    pub purpose: String,
    pub fields: String,
    pub when: (&'static str, Moment),
}

/// One passkey among others.
pub struct PasskeyEntry {
    pub href: String,
    pub name: String,
    pub this: bool,
    pub kept: &'static str,
    pub added: Moment,
    pub used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "me/overview.html", config = "src/pages/askama.toml")]
pub struct OverviewPage {
    pub frame: Frame,
    pub csrf: String,
    pub me: &'static MeWords,
    pub signed_in: String,
    pub by_code: bool,
    pub entries: Vec<Entry>,
    /// Whether this is not the first page.
    pub further: bool,
    pub older: Option<String>,
    pub passkeys: Vec<PasskeyEntry>,
    /// Whether another one can be added.
    pub add: Option<Ceremony>,
    pub problem: Option<&'static str>,
}

/// How a consent can be withdrawn.
pub enum Withdrawal {
    ByPasskey(Ceremony),
    ByCode,
    /// Not now, and why.
    Not(&'static str),
}

pub struct Withdraw {
    pub text: String,
    pub way: Withdrawal,
}

#[derive(Template)]
#[template(path = "me/consent.html", config = "src/pages/askama.toml")]
pub struct ConsentPage {
    pub frame: Frame,
    pub csrf: String,
    pub sequence: i64,
    pub me: &'static MeWords,
    /// `/me/consents/{id}`
    pub at: String,
    pub status: &'static str,
    pub tone: &'static str,
    pub text: String,
    pub facts: Vec<Fact>,
    pub granted: Option<Granted>,
    /// What was asked for and not granted.
    pub asked: Vec<String>,
    pub answer: Option<Link>,
    pub withdraw: Option<Withdraw>,
    pub problem: Option<&'static str>,
    pub reported: Option<String>,
}

pub struct ReasonChoice {
    pub value: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

#[derive(Template)]
#[template(path = "me/report.html", config = "src/pages/askama.toml")]
pub struct ReportPage {
    pub frame: Frame,
    pub csrf: String,
    pub me: &'static MeWords,
    pub at: String,
    pub lead: String,
    pub reasons: Vec<ReasonChoice>,
    pub reason_problem: Option<&'static str>,
    pub text: String,
    pub text_problem: Option<String>,
    pub limit: usize,
}

#[derive(Template)]
#[template(path = "me/drop.html", config = "src/pages/askama.toml")]
pub struct DropPage {
    pub frame: Frame,
    pub csrf: String,
    pub me: &'static MeWords,
    pub at: String,
    pub passkey: PasskeyEntry,
    /// What it means to drop the last one.
    pub last: Option<String>,
    pub ceremony: Option<Ceremony>,
    pub problem: Option<&'static str>,
    pub sure_problem: bool,
}
