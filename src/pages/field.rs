//! The fields that a consent may ask for: how they are entered and what counts as a value.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use mobid_domain::handle::Handle;
use serde::{Deserialize, Serialize};

use crate::words::{FieldKind, Problem};

/// The longest value, in characters.
pub const MAX_CHARACTERS: usize = 500;

/// A value as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub value: String,
    pub source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    SelfAsserted,
    /// It is the handle that the code was sent to.
    VerifiedHandle,
}

impl FieldKind {
    /// The `type` of its input (HTML, 4.10.5).
    pub fn input(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "tel",
            Self::Birthdate => "date",
            Self::Name | Self::Address | Self::Other => "text",
        }
    }

    /// What a browser may fill in (HTML, 4.10.18.7).
    pub fn autocomplete(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Phone => "tel",
            Self::Address => "street-address",
            Self::Birthdate => "bday",
            Self::Other => "off",
        }
    }

    /// The value as it is kept, or what is wrong with it.
    pub fn clean(self, entered: &str, now: DateTime<Utc>) -> Result<String, Problem> {
        let value = match self {
            // An address has lines; a claim has one.
            Self::Address => {
                entered.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
            }
            _ => entered.trim().to_owned(),
        };
        match value.chars().count() {
            0 => return Err(Problem::Empty),
            n if n > MAX_CHARACTERS => return Err(Problem::TooLong { limit: MAX_CHARACTERS }),
            _ if value.contains(is_treacherous) => return Err(Problem::Unreadable),
            _ => {}
        }
        match self {
            Self::Email if !matches!(value.parse(), Ok(Handle::Email(_))) => Err(Problem::NoEmail),
            Self::Phone if !is_phone(&value) => Err(Problem::NoPhone),
            Self::Birthdate if !is_birthdate(&value, now) => Err(Problem::NoDate),
            _ => Ok(value),
        }
    }
}

/// Control characters, and those that make text read otherwise than it is (Unicode TR 36, bidirectional overrides).
pub fn is_treacherous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// A phone number without what people put between the digits.
fn digits(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}')).collect()
}

fn is_phone(text: &str) -> bool {
    let plain = digits(text);
    let number = plain.strip_prefix('+').unwrap_or(&plain);
    (5..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

fn is_birthdate(text: &str, now: DateTime<Utc>) -> bool {
    let oldest = NaiveDate::from_ymd_opt(1890, 1, 1);
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .is_ok_and(|date| date.to_string() == text && Some(date) >= oldest && date <= now.date_naive())
}

/// What was entered, as claims: whether a value is the very handle that the code proved is for us to say.
pub fn claims(values: &BTreeMap<String, String>, proved: &Handle) -> BTreeMap<String, Claim> {
    values.iter().map(|(slug, value)| (slug.clone(), claim(FieldKind::of(slug), value, proved))).collect()
}

fn claim(kind: FieldKind, value: &str, proved: &Handle) -> Claim {
    let same = match (kind, proved) {
        (FieldKind::Email, Handle::Email(_)) => value.to_ascii_lowercase() == proved.normalized(),
        (FieldKind::Phone, Handle::Phone(number)) => digits(value) == *number,
        _ => false,
    };
    if same {
        Claim { value: proved.as_str().to_owned(), source: Source::VerifiedHandle }
    } else {
        Claim { value: value.to_owned(), source: Source::SelfAsserted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-01-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_value_is_one_clean_line() {
        assert_eq!(FieldKind::Name.clean("  Ann Öberg ", now()), Ok("Ann Öberg".to_owned()));
        assert_eq!(
            FieldKind::Address.clean("1 High St\r\n\r\n Leeds\r\n", now()),
            Ok("1 High St, Leeds".to_owned())
        );
        assert_eq!(FieldKind::Name.clean(" \t", now()), Err(Problem::Empty));
        assert_eq!(FieldKind::Name.clean("a\u{1b}[1m", now()), Err(Problem::Unreadable));
        assert_eq!(FieldKind::Name.clean("a\nb", now()), Err(Problem::Unreadable));
        assert_eq!(FieldKind::Name.clean("a\u{202e}b", now()), Err(Problem::Unreadable));
        assert_eq!(FieldKind::Name.clean(&"ä".repeat(500), now()), Ok("ä".repeat(500)));
        assert_eq!(
            FieldKind::Name.clean(&"ä".repeat(501), now()),
            Err(Problem::TooLong { limit: MAX_CHARACTERS })
        );
    }

    #[test]
    fn a_value_is_what_its_field_says() {
        assert_eq!(FieldKind::Email.clean("ann", now()), Err(Problem::NoEmail));
        assert_eq!(FieldKind::Email.clean("+1234567890", now()), Err(Problem::NoEmail));
        assert!(FieldKind::Phone.clean("+44 (20) 7946-0958", now()).is_ok());
        assert_eq!(FieldKind::Phone.clean("call me", now()), Err(Problem::NoPhone));
        assert!(FieldKind::Birthdate.clean("2000-02-29", now()).is_ok());
        for wrong in ["2001-02-29", "2025-01-16", "1700-01-01", "1-1-1", "29.2.2000", "+2000-02-9"] {
            assert_eq!(FieldKind::Birthdate.clean(wrong, now()), Err(Problem::NoDate), "{wrong}");
        }
    }

    #[test]
    fn only_the_handle_that_the_code_proved_is_verified() {
        let phone: Handle = "+12345678901".parse().unwrap();
        let email: Handle = "Ann@Example.com".parse().unwrap();
        let source = |kind, value: &str, proved: &Handle| claim(kind, value, proved).source;
        assert_eq!(source(FieldKind::Phone, "+1 234 567-8901", &phone), Source::VerifiedHandle);
        assert_eq!(source(FieldKind::Phone, "+1 234 567-8902", &phone), Source::SelfAsserted);
        assert_eq!(source(FieldKind::Email, "ann@example.COM", &email), Source::VerifiedHandle);
        assert_eq!(source(FieldKind::Other, "Ann@Example.com", &email), Source::SelfAsserted);
        assert_eq!(source(FieldKind::Email, "ann@example.com", &phone), Source::SelfAsserted);
    }
}
