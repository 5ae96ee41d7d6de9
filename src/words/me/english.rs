//! English.

use mobid_domain::consent::{AssuranceMethod, Status};
use mobid_domain::report::Reason;

use super::MeWords;
use crate::ephemeral::code::MINUTES;
use crate::words::Note;

pub static WORDS: MeWords = MeWords {
    link: "Your consents and passkeys",
    title: "Your consents and passkeys",
    lead: "See who asked you for what, what you agreed to, and take it back. Nobody but you sees this page.",
    by_passkey: Note {
        title: "With your passkey",
        text: "Your device asks you to confirm with your fingerprint, your face or its PIN.",
    },
    by_passkey_button: "Sign in with a passkey",
    by_code: Note {
        title: "With a one-time code",
        text: "If you have no passkey here, enter the phone number or email address that companies reach you by.",
    },
    handle_label: "Phone number or email address",
    handle_hint: "A phone number with its country code, such as +44 20 7946 0958.",
    send_code: "Send me a code",
    bad_handle: "Enter a phone number that begins with + and its country code, or an email address.",
    unreachable_handle: "This service has no way to send codes to phone numbers. Enter an email address, or use a passkey.",
    no_passkeys: Note {
        title: "Passkeys cannot be used here",
        text: "This service is reached by a number instead of a name, and browsers keep passkeys for names only. Nothing was decided. Where a one-time code is enough, go back and use one.",
    },

    code_title: "Enter your code to sign in",
    code_sent: |masked| {
        format!(
            "If somebody asked {masked} for something here, we have sent 6 digits there. They work for {MINUTES} minutes."
        )
    },
    code_does: "You sign in to see your consents. Nothing is decided by it.",
    code_confirm: "Sign in",
    code_missing: "Nothing came? Messages can take a minute. Check the number or address; if nobody ever asked it for anything here, nothing is sent.",
    code_back: "Use another number or address",
    code_subject: "Your one-time code to sign in",
    code_text: |code| {
        format!(
            "{code} is your code to sign in and see your consents and passkeys. It works for {MINUTES} minutes, only \
             on the page where it was asked for. If you did not ask for it, ignore this message. Never tell anybody \
             the code."
        )
    },

    passkey_needed: |masked| {
        format!(
            "You read the messages to {masked}. But whoever set it up here has a passkey, so a code alone shows nothing: use the passkey."
        )
    },
    passkey_lost: "You can begin anew, and create a passkey again. You will be a new person to every company: what you shared or agreed to before stays with your former passkey and is not shown to you any more. This cannot be undone.",

    signed_in_as: |masked| format!("You are signed in as {masked}."),
    signed_in_formerly: "You are signed in with your passkey. Your phone number or address was set up anew by somebody else since, so you see what came to you before that.",
    by_code_alone: "You signed in with a one-time code. Whoever reads your messages can do the same: a passkey is safer.",
    sign_out: "Sign out",
    sign_out_everywhere: "Sign out everywhere",

    consents_heading: "Your consents",
    no_consents: Note {
        title: "Nobody has asked you for anything yet",
        text: "When a company asks for your consent, you find it here, whatever you answer.",
    },
    no_older: "There is nothing older.",
    older: "Older ones",
    newest: "Back to the newest",
    status: |status| match status {
        Status::Pending => "Waits for you",
        Status::Approved => "Approved",
        Status::Rejected => "Rejected",
        Status::Expired => "Expired",
        Status::Revoked => "Ended",
    },
    asks_for: "Asked for",
    not_granted: "Not granted",
    asks_for_nothing: "No personal data",

    asked_term: "Asked",
    decided_by: |method| match method {
        AssuranceMethod::Passkey => "Your passkey",
        AssuranceMethod::OneTimeCode => "A one-time code",
    },
    decided_by_term: "Answered with",
    pending: |client| {
        format!(
            "{client} waits for your answer. You decide on the request's own page; until then nothing is shared."
        )
    },
    answer: "See the request and answer",
    back: "Back to all consents",
    withdraw_text: |client, masked| {
        format!(
            "Once withdrawn, {client} can no longer get your data from us. We send a code to {masked} first."
        )
    },
    withdraw_only_by_passkey: "This company accepts a passkey only, also for withdrawing, and you have none here at the moment. You can create one on the page with all your consents.",

    report_title: "Is something wrong with it?",
    report_text: "Tell those who run this service. The company does not learn of it.",
    report_link: "Report abuse",
    report_page_title: |client| format!("Report {client}"),
    report_lead: |client| {
        format!(
            "Those who run this service read your report: which request it is about, what you choose and what you write. {client} does not learn of it. Reporting withdraws nothing."
        )
    },
    reason_legend: "What is wrong?",
    reason: |reason| match reason {
        Reason::UnknownClient => "I have nothing to do with this company",
        Reason::Misleading => "It pretends to be somebody else, or to be for something else",
        Reason::TooMuch => "It asks for more than it can need",
        Reason::Pressure => "Somebody urged me to approve, or wanted a code from me",
        Reason::TooOften => "It comes again and again",
        Reason::Other => "Something else",
    },
    report_label: "In your own words",
    report_hint: "You need not write anything, unless it is something else. No codes and no passwords, please.",
    report_button: "Send the report",
    report_not: "Send nothing",
    no_reason: "Choose what is wrong.",
    no_words: "Say in a few words what is wrong.",
    report_too_long: |limit| format!("Use at most {limit} characters."),
    reported: |when| format!("You reported this on {when}. Those who run this service can read it."),

    passkeys_heading: "Your passkeys",
    no_passkey_yet: "You have none here.",
    passkey_name: |number| format!("Passkey {number}"),
    this_passkey: "You signed in with this one",
    synced: "Kept by your password manager, on all your devices",
    not_synced: "On one device or security key only",
    added_term: "Added",
    used_term: "Last used",
    never_used: "Never",
    add_text: "Your device asks you to confirm with your fingerprint, your face or its PIN. From then on your consents open with a passkey only.",
    add_button: "Create a passkey",
    passkey_term: "Passkey",
    drop_link: "Remove",
    drop_title: "Remove this passkey?",
    drop_text: "It will open nothing here any more, at once and for every company, and you are signed out everywhere. What you agreed to with it stays as it is. Your device or password manager goes on listing it until you remove it there, too.",
    drop_last: |masked| {
        format!(
            "This is your last passkey. Without one, whoever reads the messages to {masked} can see all of this and answer in your name. Requests that demand a passkey cannot be answered, nor such consents withdrawn, until you create one again."
        )
    },
    drop_last_formerly: "This is your last passkey, and your phone number or address leads to somebody else by now. Without it, nobody can ever see or withdraw these consents again, you neither.",
    drop_sure: "I have read this, and want to remove my last passkey",
    drop_not_sure: "Tick the box if you want to remove your last passkey.",
    drop_proof: "You signed in a while ago, so your passkey is asked for first.",
    drop_button: "Remove the passkey",
    keep: "Keep it",

    signed_out: Note {
        title: "You are signed out",
        text: "Nobody sees your consents in this browser any more.",
    },
    signed_out_everywhere: Note {
        title: "You are signed out everywhere",
        text: "Whoever was signed in as you, in any browser, is so no more.",
    },
    dropped: Note {
        title: "The passkey was removed",
        text: "It opens nothing here any more. You are signed out everywhere. Remove it from your device or password manager, too.",
    },
    sign_in_again: "Sign in again",

    ended: Note {
        title: "You are not signed in any more",
        text: "To protect you, a session ends after some minutes without use, and when a passkey is removed. Nothing was done. Sign in again.",
    },
    stale: Note {
        title: "Please sign in again first",
        text: "You signed in a while ago, and this cannot be undone. Nothing was done. Sign in again, then do it at once.",
    },
    too_much: Note {
        title: "Too many tries",
        text: "To protect everybody we have stopped this for a while. Nothing was done.",
    },
    too_many_reports: Note {
        title: "That is enough for today",
        text: "You have reported several requests already, and they are being looked at. Nothing more was sent. You can report again tomorrow.",
    },
    no_code: Note {
        title: "No code was asked for here",
        text: "A code only works in the browser that it was asked for in, and for what it was asked for. Nothing was done. Start again.",
    },
};
