//! What the pages under `/me` say: to a person, about all that is theirs. One language a file.

mod english;
mod german;

use mobid_domain::consent::{AssuranceMethod, Status};
use mobid_domain::report::Reason;

use super::{Note, Words};

/// The texts of a person's way to their consents and passkeys.
pub struct MeWords {
    /// At the foot of every page.
    pub link: &'static str,
    pub title: &'static str,
    pub lead: &'static str,
    pub by_passkey: Note,
    pub by_passkey_button: &'static str,
    pub by_code: Note,
    pub handle_label: &'static str,
    pub handle_hint: &'static str,
    pub send_code: &'static str,
    pub bad_handle: &'static str,
    pub unreachable_handle: &'static str,
    pub no_passkeys: Note,

    pub code_title: &'static str,
    pub code_sent: fn(masked: &str) -> String,
    pub code_does: &'static str,
    pub code_confirm: &'static str,
    pub code_missing: &'static str,
    pub code_back: &'static str,
    pub code_subject: &'static str,
    pub code_text: fn(code: &str) -> String,

    pub passkey_needed: fn(masked: &str) -> String,
    pub passkey_lost: &'static str,

    pub signed_in_as: fn(masked: &str) -> String,
    pub signed_in_formerly: &'static str,
    pub by_code_alone: &'static str,
    pub sign_out: &'static str,
    pub sign_out_everywhere: &'static str,

    pub consents_heading: &'static str,
    pub no_consents: Note,
    pub no_older: &'static str,
    pub older: &'static str,
    pub newest: &'static str,
    pub status: fn(Status) -> &'static str,
    pub asks_for: &'static str,
    pub not_granted: &'static str,
    pub asks_for_nothing: &'static str,

    pub asked_term: &'static str,
    pub decided_by: fn(AssuranceMethod) -> &'static str,
    pub decided_by_term: &'static str,
    pub pending: fn(client: &str) -> String,
    pub answer: &'static str,
    pub back: &'static str,
    pub withdraw_text: fn(client: &str, masked: &str) -> String,
    pub withdraw_only_by_passkey: &'static str,

    pub report_title: &'static str,
    pub report_text: &'static str,
    pub report_link: &'static str,
    pub report_page_title: fn(client: &str) -> String,
    pub report_lead: fn(client: &str) -> String,
    pub reason_legend: &'static str,
    pub reason: fn(Reason) -> &'static str,
    pub report_label: &'static str,
    pub report_hint: &'static str,
    pub report_button: &'static str,
    pub report_not: &'static str,
    pub no_reason: &'static str,
    pub no_words: &'static str,
    pub report_too_long: fn(limit: usize) -> String,
    pub reported: fn(when: &str) -> String,

    pub passkeys_heading: &'static str,
    pub no_passkey_yet: &'static str,
    pub passkey_name: fn(number: usize) -> String,
    pub this_passkey: &'static str,
    pub synced: &'static str,
    pub not_synced: &'static str,
    pub added_term: &'static str,
    pub used_term: &'static str,
    pub never_used: &'static str,
    pub add_text: &'static str,
    pub add_button: &'static str,
    pub passkey_term: &'static str,
    pub drop_link: &'static str,
    pub drop_title: &'static str,
    pub drop_text: &'static str,
    pub drop_last: fn(masked: &str) -> String,
    pub drop_last_formerly: &'static str,
    pub drop_sure: &'static str,
    pub drop_not_sure: &'static str,
    pub drop_proof: &'static str,
    pub drop_button: &'static str,
    pub keep: &'static str,

    pub signed_out: Note,
    pub signed_out_everywhere: Note,
    pub dropped: Note,
    pub sign_in_again: &'static str,

    pub ended: Note,
    pub stale: Note,
    pub too_much: Note,
    pub too_many_reports: Note,
    pub no_code: Note,
}

impl Words {
    pub fn me(&self) -> &'static MeWords {
        match self.lang {
            "de" => &german::WORDS,
            _ => &english::WORDS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LANGUAGES;

    /// What is the same in two languages was forgotten in one.
    #[test]
    fn languages_differ_in_every_sentence() {
        let said = |words: &Words| {
            let me = words.me();
            let notes = [
                me.by_passkey,
                me.by_code,
                me.no_passkeys,
                me.no_consents,
                me.signed_out,
                me.signed_out_everywhere,
                me.dropped,
                me.ended,
                me.stale,
                me.too_much,
                me.too_many_reports,
                me.no_code,
            ];
            let mut said: Vec<String> =
                notes.iter().flat_map(|note| [note.title, note.text]).map(str::to_owned).collect();
            said.extend(Status::ALL.map(|status| (me.status)(status).to_owned()));
            said.extend(Reason::ALL.map(|reason| (me.reason)(reason).to_owned()));
            said.extend([(me.code_text)("123456"), (me.drop_last)("+1 ••• 90"), (me.pending)("Bank")]);
            said.extend([me.title, me.lead, me.drop_text, me.report_text, me.code_does].map(str::to_owned));
            said
        };
        let (english, german) = (said(LANGUAGES[0]), said(LANGUAGES[1]));
        assert_eq!(english.len(), german.len());
        for (one, other) in english.into_iter().zip(german) {
            assert!(one != other && !other.is_empty(), "{one}");
        }
    }
}
