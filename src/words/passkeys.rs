//! What the pages say about passkeys and enrollments, one language a file.

mod english;
mod german;

use mobid_domain::fido::Reason;

use super::{Note, Words};

/// The texts of a recipient's way through an enrollment, and of whatever else takes a passkey.
pub struct PasskeyWords {
    pub asks: fn(client: &str) -> String,
    pub what_it_is: &'static str,
    pub steps_heading: &'static str,
    pub steps: [&'static str; 3],
    pub step: fn(number: usize) -> String,
    pub next_step: fn(masked: &str) -> String,
    pub send_code: &'static str,
    pub not_expected: &'static str,
    pub code_subject: fn(client: &str) -> String,

    pub name_term: &'static str,
    pub known_heading: fn(client: &str) -> String,
    pub create: Note,
    pub create_button: &'static str,
    pub exists: Note,
    pub exists_button: &'static str,
    pub lost: Note,
    pub lost_button: &'static str,
    pub verify: Note,
    pub verify_button: &'static str,

    pub without_script: Note,
    pub stopped: &'static str,
    pub failed: &'static str,
    pub unsupported: &'static str,
    pub not_taken: fn(Reason) -> &'static str,

    pub completed: Note,
    pub failed_for_good: Note,
    pub cancelled_title: &'static str,
    pub cancelled: fn(client: &str) -> String,
    pub expired: Note,
    pub completed_term: &'static str,
    pub ended_term: &'static str,
    pub expired_term: &'static str,

    pub with_passkey: &'static str,
    pub approve: &'static str,
    pub reject: &'static str,
    pub withdraw: &'static str,
    pub view: &'static str,
    pub withdraw_text: fn(client: &str, masked: &str) -> String,
    pub demanded: &'static str,
    pub needed: Note,

    pub moved: Note,
    pub begun_anew_subject: &'static str,
    pub begun_anew_text: &'static str,
    pub added_subject: &'static str,
    pub added_text: &'static str,
    pub removed_subject: &'static str,
    pub removed_text: &'static str,
    pub copied_text: &'static str,
}

impl Words {
    pub fn passkeys(&self) -> &'static PasskeyWords {
        match self.lang {
            "de" => &german::WORDS,
            _ => &english::WORDS,
        }
    }
}
