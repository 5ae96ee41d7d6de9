//! How a person is reached: a phone number or an email address.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;
use url::Host;

use crate::plain::is_plain;

/// A phone number (`^\+[1-9]\d{6,14}$`, ITU-T E.164) or an email address (RFC 5321, with a dotted domain), its letters
/// composed (NFC; RFC 6532, 3.1): an `é` in one piece or in two is the same letter, and messages go to the one.
#[derive(Clone, PartialEq, Eq)]
pub enum Handle {
    Phone(String),
    Email(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number in international format (+ and 7 to 15 digits) or an email address")]
pub struct InvalidHandle;

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Handle {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(text) | Self::Email(text) => text,
        }
    }

    /// `sms` or `email`.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Phone(_) => "sms",
            Self::Email(_) => "email",
        }
    }

    /// The same person's handle has the same normal form. Who could write one mailbox in two ways would have two
    /// persons there, and twice the codes and tries that one may have.
    ///
    /// An address is matched without regard to the case of ASCII letters, its domain in the form that DNS has it in, and
    /// its local part without quotes where it can do without (RFC 5321, 4.1.2: `"ann"` is `ann`). The case of other
    /// letters counts in a local part: which of them are one, its own server alone knows. A number is what follows the
    /// `+`, digit by digit.
    pub fn normalized(&self) -> String {
        match self {
            Self::Phone(number) => number.clone(),
            Self::Email(address) => {
                let (local, domain) = parts(address);
                format!(
                    "{}@{}",
                    unquoted(local).to_ascii_lowercase(),
                    domain_name(domain).unwrap_or_default()
                )
            }
        }
    }

    /// Where messages go: to the very domain of the normal form, whatever a gateway would have made of another one.
    pub fn address(&self) -> String {
        match self {
            Self::Phone(number) => number.clone(),
            Self::Email(address) => {
                let (local, domain) = parts(address);
                if domain.is_ascii() {
                    return address.clone();
                }
                format!("{local}@{}", domain_name(domain).unwrap_or_default())
            }
        }
    }

    /// Enough for the recipient to recognise it, too little to learn it: `+1 ••• 90`, `j•••@e•••.com`.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => format!("{} ••• {}", &number[..2], &number[number.len() - 2..]),
            Self::Email(address) => {
                let (local, domain) = parts(address);
                let (name, ending) = domain.rsplit_once('.').unwrap_or((domain, ""));
                let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
                format!("{}•••@{}•••.{ending}", first(local), first(name))
            }
        }
    }
}

impl FromStr for Handle {
    type Err = InvalidHandle;
    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        if let Some(digits) = text.strip_prefix('+') {
            let well_formed = (7..=15).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0');
            return if well_formed { Ok(Self::Phone(text.to_owned())) } else { Err(InvalidHandle) };
        }
        let text: &str = &text.nfc().collect::<String>();
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        match EmailAddress::parse_with_options(text, options) {
            Ok(address)
                if text.len() <= 254
                    && text.chars().all(is_plain)
                    && domain_name(address.domain()).is_some_and(|domain| has_name(&domain)) =>
            {
                Ok(Self::Email(text.to_owned()))
            }
            _ => Err(InvalidHandle),
        }
    }
}

fn parts(address: &str) -> (&str, &str) {
    address.rsplit_once('@').unwrap_or(("", address))
}

/// A domain as DNS has it (UTS 46, `ToASCII`); `None` if it has no such form.
fn domain_name(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_ascii_lowercase());
    }
    match Host::parse(domain) {
        Ok(Host::Domain(name)) if name.contains('.') => Some(name),
        _ => None,
    }
}

/// What a quoted local part says (RFC 5321, 4.1.2): nothing that is not quoted says the same by another text, since
/// without quotes there are neither backslashes nor quotes.
fn unquoted(local: &str) -> String {
    let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut said = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        said.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    said
}

/// A domain whose last label is a number is an address of a machine (WHATWG URL, "ends in a number"), and no name.
fn has_name(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or_default();
    !last.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_and_addresses_are_handles() {
        for good in
            ["+1234567890", "+1234567", "+123456789012345", "ann@example.com", "a.b+c@sub.example.org"]
        {
            assert!(good.parse::<Handle>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "+0234567890",
            "+123456",
            "+1234567890123456",
            "1234567890",
            "+12345a7890",
            "ann",
            "ann@",
            "ann@localhost",
            "Ann <ann@example.com>",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "ann@127.1",
            "ann@0x7f.0x1",
            "ann@example.127",
            "ann@exam\0ple.com",
            "ann@１２７.０.０.１",
            "ann@ex\u{202e}ample.com",
            "a\u{202e}nn@example.com",
        ] {
            assert!(bad.parse::<Handle>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_case_of_ascii_letters_is_passed_over() {
        let normalized = |text: &str| text.parse::<Handle>().unwrap().normalized();
        assert_eq!(normalized("Kate@Example.com"), normalized("kate@example.com"));
        assert_ne!(normalized("Éva@example.com"), normalized("éva@example.com"));
    }

    #[test]
    fn a_letter_in_two_pieces_is_that_letter_and_messages_go_to_it() {
        for (pieces, letter) in [
            ("e\u{301}va@example.com", "éva@example.com"),
            // The Kelvin sign is a K, and what goes to it goes to the K.
            ("\u{212a}ate@example.com", "Kate@example.com"),
        ] {
            let (one, other): (Handle, Handle) = (pieces.parse().unwrap(), letter.parse().unwrap());
            assert_eq!(one.normalized(), other.normalized());
            assert_eq!((one.address(), one.as_str()), (other.address(), letter));
        }
    }

    #[test]
    fn one_mailbox_has_one_normal_form_however_it_is_written() {
        let normalized = |text: &str| text.parse::<Handle>().unwrap().normalized();
        for (one, other) in [
            ("\"ann\"@example.com", "ann@example.com"),
            ("\"a\\n\\n\"@example.com", "Ann@example.com"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@BÜCHER.example", "ann@bücher.example"),
            ("ann@ｅxample.com", "ann@example.com"),
        ] {
            assert_eq!(normalized(one), normalized(other), "{one} {other}");
        }
        // What looks alike is another's: Cyrillic a, a letter with an accent, a part after a plus.
        for (one, other) in [
            ("аnn@example.com", "ann@example.com"),
            ("ann@exаmple.com", "ann@example.com"),
            ("änn@example.com", "ann@example.com"),
            ("ann+1@example.com", "ann@example.com"),
            ("a.nn@example.com", "ann@example.com"),
            ("\"a nn\"@example.com", "ann@example.com"),
            ("+441234567", "+4401234567"),
        ] {
            assert_ne!(normalized(one), normalized(other), "{one} {other}");
        }
    }

    #[test]
    fn messages_go_to_the_domain_of_the_normal_form() {
        let address = |text: &str| text.parse::<Handle>().unwrap().address();
        assert_eq!(address("\"Ann B\"@Bücher.example"), "\"Ann B\"@xn--bcher-kva.example");
        assert_eq!(address("Ann@Example.com"), "Ann@Example.com");
        assert_eq!(address("+1234567890"), "+1234567890");
    }

    #[test]
    fn a_mask_hides_nearly_all() {
        assert_eq!("+1234567890".parse::<Handle>().unwrap().masked(), "+1 ••• 90");
        assert_eq!("ann@example.com".parse::<Handle>().unwrap().masked(), "a•••@e•••.com");
    }
}
