//! All that the pages and the messages to recipients say, one language a file.
//!
//! A language is a [`Words`]: leaving one text out does not compile. Another one is another file, and a line in
//! [`LANGUAGES`].

mod english;
mod german;
pub mod logins;
pub mod me;
pub mod passkeys;

use chrono::{DateTime, Utc};

use crate::ephemeral::code::Action;

/// A page that has a heading, some text and little else.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    pub title: &'static str,
    pub text: &'static str,
}

/// A field that a consent may ask for, as far as we know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Name,
    Email,
    Phone,
    Address,
    Birthdate,
    /// A field of the client's own.
    Other,
}

/// What is wrong with a value that somebody entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Empty,
    TooLong { limit: usize },
    Unreadable,
    NoEmail,
    NoPhone,
    NoDate,
    NothingTicked,
    NoCode,
    WrongCode { tries_left: i32 },
    ExpiredCode,
    ExhaustedCode,
}

impl FieldKind {
    pub fn of(slug: &str) -> Self {
        match slug {
            "name" => Self::Name,
            "email" => Self::Email,
            "phone" => Self::Phone,
            "address" => Self::Address,
            "birthdate" => Self::Birthdate,
            _ => Self::Other,
        }
    }
}

/// The texts of a recipient's way through a consent. Names of clients and fields come in as they are shown.
pub struct Words {
    /// BCP 47, for the `lang` attribute.
    pub lang: &'static str,
    pub service: &'static str,
    pub error_prefix: &'static str,
    pub error_heading: &'static str,
    pub footer: &'static str,

    pub purpose_term: &'static str,
    pub recipient_term: &'static str,
    pub until_term: &'static str,
    pub asks: fn(client: &str) -> String,
    pub fields_legend: &'static str,
    pub fields_legend_asked: &'static str,
    pub fields_hint: &'static str,
    pub no_fields: &'static str,
    pub next_step: fn(masked: &str) -> String,
    pub not_expected: &'static str,
    pub approve: &'static str,
    pub reject: &'static str,
    pub passkey_demanded: Note,

    pub code_title: fn(Action) -> &'static str,
    pub code_over_title: &'static str,
    pub code_sent: fn(masked: &str) -> String,
    pub code_label: &'static str,
    pub code_hint: &'static str,
    pub what_happens: &'static str,
    pub will_do: fn(Action, client: &str) -> String,
    pub shares_nothing: &'static str,
    pub tries_left: fn(i32) -> String,
    pub confirm: fn(Action) -> &'static str,
    pub send_again: &'static str,
    pub go_back: &'static str,

    pub approved: Note,
    pub rejected: Note,
    pub expired: Note,
    pub taken_back_title: &'static str,
    pub taken_back: fn(client: &str) -> String,
    pub ended_by_client_title: &'static str,
    pub ended_by_client: fn(client: &str) -> String,
    pub revoked_by_you: Note,
    pub approved_term: &'static str,
    pub rejected_term: &'static str,
    pub expired_term: &'static str,
    pub withdrawn_term: &'static str,
    pub taken_back_term: &'static str,
    pub client_term: &'static str,
    pub granted_heading: &'static str,
    pub granted_heading_past: &'static str,
    pub granted_nothing: &'static str,
    pub hidden_value: &'static str,
    pub gone_value: &'static str,
    pub verified: &'static str,
    pub self_asserted: &'static str,
    pub view_title: &'static str,
    pub view_text: fn(masked: &str) -> String,
    pub view: &'static str,
    pub withdraw_title: &'static str,
    pub withdraw_text: fn(client: &str, masked: &str) -> String,
    pub withdraw: &'static str,
    pub return_to: fn(client: &str) -> String,

    pub not_found: Note,
    pub method_not_allowed: Note,
    pub cross_site: Note,
    pub form_void: Note,
    pub bad_form: Note,
    pub form_too_large: &'static str,
    pub form_incomplete: &'static str,
    pub form_malformed: &'static str,
    pub form_repeated: &'static str,
    pub changed: Note,
    pub ended: Note,
    pub no_code: Note,
    pub client_shut_out: Note,
    pub capped: Note,
    pub capped_until: fn(DateTime<Utc>) -> String,
    pub not_sent: Note,
    pub no_way_there: Note,
    pub qr_over: Note,
    pub erased: Note,
    pub internal: Note,
    pub one_moment: Note,
    pub look_again: &'static str,
    pub start_again: &'static str,
    pub reference: &'static str,

    pub field: fn(FieldKind) -> Option<&'static str>,
    pub purpose: fn(&str) -> Option<&'static str>,
    pub problem: fn(Problem) -> String,
    pub time: fn(DateTime<Utc>) -> String,

    pub code_subject: fn(client: &str) -> String,
    pub code_text: fn(code: &str, action: Action, client: &str, fields: &str) -> String,
    /// What a message says of a purpose, or of fields, that the client named itself.
    pub purpose_on_page: &'static str,
    pub fields_on_page: fn(usize) -> String,
    pub link_subject: fn(client: &str) -> String,
    pub link_text: fn(client: &str, purpose: &str, until: &str, link: &str) -> String,
}

/// What we speak; first what we speak with those whose language we do not.
pub static LANGUAGES: [&Words; 2] = [&english::WORDS, &german::WORDS];

impl Words {
    /// The language that a client asked for, as far as we speak it.
    pub fn asked_for(locale: Option<&str>) -> Option<&'static Self> {
        let language = locale?.split('-').next()?;
        LANGUAGES.into_iter().find(|words| words.lang.eq_ignore_ascii_case(language))
    }

    /// The same, or English.
    pub fn of(locale: Option<&str>) -> &'static Self {
        Self::asked_for(locale).unwrap_or(LANGUAGES[0])
    }

    /// The one that a browser's `Accept-Language` likes best (RFC 9110, 12.5.4), of those that we speak.
    pub fn liked(accept_language: &str) -> Option<&'static Self> {
        let mut best: Option<(&'static Self, f32)> = None;
        for range in accept_language.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let words = if tag == "*" { Some(LANGUAGES[0]) } else { Self::asked_for(Some(tag)) };
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            // The first of those that are liked the same.
            if let Some(words) = words
                && weight > best.map_or(0.0, |(_, best)| best)
            {
                best = Some((words, weight));
            }
        }
        best.map(|(words, _)| words)
    }

    /// A purpose as a sentence, or at least legible.
    pub fn purpose_of(&self, slug: &str) -> String {
        (self.purpose)(slug).map_or_else(|| humanised(slug), str::to_owned)
    }

    /// The same in a message, where whatever a client names itself would be said in our name, to whomever it likes.
    pub fn purpose_in_message(&self, slug: &str) -> &'static str {
        (self.purpose)(slug).unwrap_or(self.purpose_on_page)
    }

    /// Fields in a message: those that everybody knows by name, the others by their number.
    pub fn fields_in_message<'a>(&self, slugs: impl Iterator<Item = &'a str>) -> String {
        let named: Vec<_> = slugs.map(|slug| (self.field)(FieldKind::of(slug))).collect();
        let others = named.iter().filter(|name| name.is_none()).count();
        let mut said: Vec<_> = named.into_iter().flatten().map(str::to_owned).collect();
        if others > 0 {
            said.push((self.fields_on_page)(others));
        }
        said.join(", ")
    }

    /// A field's label.
    pub fn field_of(&self, slug: &str) -> String {
        (self.field)(FieldKind::of(slug)).map_or_else(|| humanised(slug), str::to_owned)
    }
}

/// `annual_income` as `Annual income`.
fn humanised(slug: &str) -> String {
    let spaced = slug.replace('_', " ");
    let spaced = spaced.trim();
    let mut letters = spaced.chars();
    letters.next().map_or_else(|| slug.to_owned(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_we_do_not_know_has_a_legible_label() {
        let words = Words::of(Some("fr"));
        assert_eq!(words.field_of("annual_income"), "Annual income");
        assert_eq!(words.field_of("a_"), "A");
        assert_eq!(words.field_of("birthdate"), "Date of birth");
        assert_eq!(words.purpose_of("loan_application"), "Loan application");
    }

    #[test]
    fn a_message_says_nothing_in_a_clients_own_words() {
        let fields = ["name", "your_account_is_locked", "birthdate", "call_0900_123456"];
        for (words, said, purpose) in [
            (LANGUAGES[0], "Full name, Date of birth, 2 more fields", "as the page says"),
            (
                LANGUAGES[1],
                "Vollständiger Name, Geburtsdatum, 2 weitere Felder",
                "wie auf der Seite angegeben",
            ),
        ] {
            assert_eq!(words.fields_in_message(fields.into_iter()), said);
            assert_eq!(
                words.fields_in_message(fields.into_iter().take(1)),
                (words.field)(FieldKind::Name).unwrap()
            );
            assert_eq!(words.purpose_in_message("call_0900_123456_now"), purpose);
            assert_ne!(words.purpose_in_message("payment"), purpose);
            assert_ne!((words.fields_on_page)(1), (words.fields_on_page)(2));
        }
    }

    #[test]
    fn a_client_gets_the_language_that_it_asks_for_if_we_speak_it() {
        for (locale, lang) in
            [(None, "en"), (Some("de"), "de"), (Some("de-AT"), "de"), (Some("DE"), "de"), (Some("den"), "en")]
        {
            assert_eq!(Words::of(locale).lang, lang, "{locale:?}");
        }
    }

    #[test]
    fn a_browser_gets_the_language_that_it_likes_best() {
        for (header, lang) in [
            ("de", Some("de")),
            ("de-CH, en;q=0.9", Some("de")),
            ("en;q=0.5, de;q=0.8", Some("de")),
            ("fr, de;q=0.3", Some("de")),
            ("fr;q=0.9, *;q=0.5", Some("en")),
            ("en, de", Some("en")),
            ("de;q=0", None),
            ("fr", None),
            ("", None),
            (";;;,,,q=1", None),
        ] {
            assert_eq!(Words::liked(header).map(|words| words.lang), lang, "{header}");
        }
    }

    /// What is the same in two languages was forgotten in one.
    #[test]
    fn languages_differ_in_every_sentence() {
        let (english, german) = (LANGUAGES[0], LANGUAGES[1]);
        let notes = |w: &Words| {
            [
                w.passkey_demanded,
                w.approved,
                w.rejected,
                w.expired,
                w.revoked_by_you,
                w.not_found,
                w.method_not_allowed,
                w.cross_site,
                w.form_void,
                w.bad_form,
                w.changed,
                w.ended,
                w.no_code,
                w.client_shut_out,
                w.capped,
                w.not_sent,
                w.no_way_there,
                w.qr_over,
                w.erased,
                w.internal,
                w.one_moment,
            ]
            .map(|note| [note.title, note.text])
            .concat()
        };
        for (one, other) in notes(english).into_iter().zip(notes(german)) {
            assert!(one != other && !other.is_empty(), "{one}");
        }
        for action in [Action::Approve, Action::Reject, Action::Withdraw, Action::View] {
            let said = |w: &Words| {
                let text = (w.code_text)("123456", action, "Bank", "Name");
                assert!(text.starts_with("123456") && text.contains("Bank"), "{text}");
                [
                    (w.code_title)(action).to_owned(),
                    (w.confirm)(action).to_owned(),
                    text,
                    (w.will_do)(action, "Bank"),
                ]
            };
            for (one, other) in said(english).into_iter().zip(said(german)) {
                assert_ne!(one, other);
            }
        }
        let at = DateTime::from_timestamp(1_740_830_400, 0).unwrap();
        assert_eq!((english.time)(at), "1 March 2025, 12:00 UTC");
        assert_eq!((german.time)(at), "1. März 2025, 12:00 UTC");
    }
}
