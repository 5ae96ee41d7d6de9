//! What the pages say about logins by QR code, one language a file.

mod english;
mod german;

use super::Words;

/// A heading, and some text that names the client.
#[derive(Clone, Copy)]
pub struct NoteOf {
    pub title: &'static str,
    pub text: fn(client: &str) -> String,
}

/// The texts of somebody's way through a login.
pub struct LoginWords {
    pub step: fn(number: usize) -> String,
    pub title: fn(client: &str) -> String,
    pub number_lead: fn(client: &str) -> String,
    pub number_label: &'static str,
    pub number_hint: &'static str,
    pub no_number: &'static str,
    pub wrong_number: &'static str,
    pub careful_title: &'static str,
    pub careful: fn(client: &str) -> String,
    pub go_on: &'static str,
    pub decline: &'static str,
    pub until: &'static str,

    pub passkey_title: &'static str,
    pub passkey_lead: fn(client: &str) -> String,
    pub passkey_button: &'static str,
    pub client_term: &'static str,
    pub number_term: &'static str,
    pub none_title: &'static str,
    pub none: fn(client: &str) -> String,

    /// For who logged in.
    pub done: NoteOf,
    /// For everybody else.
    pub used: NoteOf,
    pub declined: NoteOf,
    pub exhausted: NoteOf,
    pub expired: NoteOf,
    pub done_term: &'static str,
    pub used_term: &'static str,
    pub ended_term: &'static str,
}

impl Words {
    pub fn logins(&self) -> &'static LoginWords {
        match self.lang {
            "de" => &german::WORDS,
            _ => &english::WORDS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &LoginWords) -> Vec<String> {
        let notes = [words.done, words.used, words.declined, words.exhausted, words.expired];
        let mut said: Vec<_> =
            notes.iter().flat_map(|note| [note.title.to_owned(), (note.text)("Bank")]).collect();
        let of_client = [words.title, words.number_lead, words.careful, words.passkey_lead, words.none];
        said.extend(of_client.map(|text| text("Bank")));
        let plain = [
            words.number_label,
            words.number_hint,
            words.no_number,
            words.wrong_number,
            words.careful_title,
            words.go_on,
            words.decline,
            words.until,
            words.passkey_title,
            words.passkey_button,
            words.client_term,
            words.number_term,
            words.none_title,
            words.done_term,
            words.used_term,
            words.ended_term,
        ];
        said.extend(plain.map(str::to_owned));
        said.push((words.step)(1));
        said
    }

    /// What is the same in two languages was forgotten in one.
    #[test]
    fn languages_differ_in_every_sentence() {
        for (one, other) in said(&english::WORDS).into_iter().zip(said(&german::WORDS)) {
            assert!(one != other && !other.is_empty(), "{one}");
        }
    }
}
