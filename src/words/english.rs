//! English.

use chrono::{DateTime, Utc};

use super::{FieldKind, Note, Problem, Words};
use crate::ephemeral::code::{Action, MINUTES};

pub static WORDS: Words = Words {
    lang: "en",
    service: "mobid",
    error_prefix: "Error: ",
    error_heading: "Please check",
    footer: "Always check the address in your browser before you enter anything. Nobody will ever ask you for a code by phone, chat or email.",

    purpose_term: "Purpose",
    recipient_term: "For",
    until_term: "Answer by",
    asks: |client| format!("{client} asks for your consent"),
    fields_legend: "What you share",
    fields_legend_asked: "What is asked for",
    fields_hint: "Untick whatever you would rather keep to yourself. Only what is ticked will be shared.",
    no_fields: "No personal data is asked for. You only agree to the purpose above.",
    next_step: |masked| {
        format!(
            "Whatever you choose, we first send a one-time code to {masked}. Nothing is decided until you enter it."
        )
    },
    not_expected: "Did you not expect this? Reject it, or simply close this page: nothing will be shared.",
    approve: "Approve",
    reject: "Reject",
    passkey_demanded: Note {
        title: "A passkey is needed",
        text: "This company accepts an answer with a passkey only, so a code is not enough. Nothing was decided. Go back, and answer with your passkey.",
    },

    code_title: |action| match action {
        Action::Approve => "Enter your code to approve",
        Action::Reject => "Enter your code to reject",
        Action::Withdraw => "Enter your code to withdraw",
        Action::View => "Enter your code to see what you shared",
        Action::Enroll => "Enter your code to go on",
    },
    code_over_title: "This code no longer works",
    code_sent: |masked| format!("We sent 6 digits to {masked}. They work for {MINUTES} minutes."),
    code_label: "One-time code",
    code_hint: "6 digits",
    what_happens: "What this code does",
    will_do: |action, client| match action {
        Action::Approve => format!("You approve, and share with {client}:"),
        Action::Reject => format!("You reject the request. {client} gets nothing."),
        Action::Withdraw => format!("You withdraw your consent. {client} no longer gets your data from us."),
        Action::View => "You see what you shared. Nothing changes.".to_owned(),
        Action::Enroll => format!("You show that this is you, and set up a passkey for {client} next."),
    },
    shares_nothing: "No personal data.",
    tries_left: |left| match left {
        1 => "You have 1 try left.".to_owned(),
        left => format!("You have {left} tries left."),
    },
    confirm: |action| match action {
        Action::Approve => "Approve",
        Action::Reject => "Reject",
        Action::Withdraw => "Withdraw consent",
        Action::View => "Show what I shared",
        Action::Enroll => "Continue",
    },
    send_again: "Send a new code",
    go_back: "Go back without deciding",

    approved: Note { title: "Approved", text: "You gave your consent. You can withdraw it at any time." },
    rejected: Note { title: "Rejected", text: "The request was rejected. Nothing was shared." },
    expired: Note {
        title: "This request has expired",
        text: "It was not answered in time, so nothing was shared. If it is still needed, the company can send a new one.",
    },
    taken_back_title: "The request was taken back",
    taken_back: |client| format!("{client} took this request back. There is nothing for you to do."),
    ended_by_client_title: "This consent has ended",
    ended_by_client: |client| {
        format!("{client} ended it. What you had shared is no longer available from us.")
    },
    revoked_by_you: Note {
        title: "Consent withdrawn",
        text: "You withdrew your consent. What you shared is no longer available from us.",
    },
    approved_term: "Approved",
    rejected_term: "Rejected",
    expired_term: "Expired",
    withdrawn_term: "Withdrawn",
    taken_back_term: "Taken back",
    client_term: "Asked by",
    granted_heading: "What you share",
    granted_heading_past: "What had been shared",
    granted_nothing: "No personal data.",
    hidden_value: "Shown after a code",
    gone_value: "No longer available",
    verified: "Confirmed by your code",
    self_asserted: "As you stated it",
    view_title: "See the details",
    view_text: |masked| format!("We send a code to {masked}, then show what you shared."),
    view: "Show what I shared",
    withdraw_title: "Changed your mind?",
    withdraw_text: |client, masked| {
        format!(
            "Once withdrawn, {client} can no longer get your data from us. We send a code to {masked} first."
        )
    },
    withdraw: "Withdraw consent",
    return_to: |client| format!("Continue to {client}"),

    not_found: Note {
        title: "There is nothing here",
        text: "This link is not valid. Check that you have copied all of it, or ask whoever sent it for a new one.",
    },
    method_not_allowed: Note {
        title: "That does not work here",
        text: "Open the link that you were sent again.",
    },
    cross_site: Note {
        title: "This did not come from our page",
        text: "Another website tried to send a form in your name, so we ignored it. Nothing was decided. If you want to answer, open the link that you were sent.",
    },
    form_void: Note {
        title: "This form is no longer valid",
        text: "Your browser's session has changed since the page was opened, or it blocks cookies. Nothing was decided. Open the request again and answer it there.",
    },
    bad_form: Note { title: "We could not read that form", text: "Nothing was decided." },
    form_too_large: "It was too large.",
    form_incomplete: "It was cut off on the way.",
    form_malformed: "It is not what this page sends, or contains characters that are no text.",
    form_repeated: "One of its fields was there twice.",
    changed: Note {
        title: "The request has changed",
        text: "It is no longer what you were shown, so we stopped. Nothing was decided. Look at it again before you answer.",
    },
    ended: Note {
        title: "This can no longer be done",
        text: "The request has ended or was answered meanwhile. Look at where it stands.",
    },
    no_code: Note {
        title: "No code was asked for here",
        text: "A code only works in the browser, and for the request, that it was asked for. Nothing was decided. Start again from the request.",
    },
    client_shut_out: Note {
        title: "This request cannot be answered",
        text: "Whoever asked does not take part in this service at the moment. Nothing was shared, and there is nothing that you need to do.",
    },
    capped: Note {
        title: "Too many codes",
        text: "To protect you we have stopped sending and accepting codes for a while. Nothing was decided.",
    },
    capped_until: |until| format!("Try again after {}.", time(until)),
    not_sent: Note {
        title: "The code could not be sent",
        text: "Nothing was decided. Please try again in a few minutes.",
    },
    no_way_there: Note {
        title: "No code can be sent",
        text: "This service has no way to reach the phone number that the request is addressed to, so it cannot be answered here. Nothing was decided. Tell whoever sent you the link.",
    },
    qr_over: Note {
        title: "This QR code has expired",
        text: "It was not scanned in time. Nothing was decided. Go back to where it was shown and get a new one.",
    },
    erased: Note {
        title: "This request is gone",
        text: "The personal data in it was erased, so it can neither be shown nor answered.",
    },
    internal: Note {
        title: "Something went wrong on our side",
        text: "Please try again. If it happens again, tell whoever sent you the link, and quote the reference below.",
    },
    one_moment: Note { title: "One moment", text: "The page opens by itself." },
    look_again: "Look at the request",
    start_again: "Back to the request",
    reference: "Reference",

    field,
    purpose: |slug| match slug {
        "identity_verification" => Some("Verifying your identity"),
        "data_sharing" => Some("Sharing your data"),
        "payment" => Some("Making a payment"),
        "login" => Some("Signing you in"),
        _ => None,
    },
    problem,
    time,

    code_subject: |client| format!("Your one-time code for {client}"),
    code_text: |code, action, client, fields| {
        let what = match action {
            Action::Approve if fields.is_empty() => format!("to approve the request of {client}"),
            Action::Approve => format!("to approve the request of {client} and share: {fields}"),
            Action::Reject => format!("to reject the request of {client}"),
            Action::Withdraw => format!("to withdraw your consent to {client}"),
            Action::View => format!("to see what you shared with {client}"),
            Action::Enroll => format!("to set up a passkey for {client}"),
        };
        format!(
            "{code} is your code {what}. It works for {MINUTES} minutes, only on the page where it was asked for. \
             If you did not ask for it, ignore this message. Never tell anybody the code."
        )
    },
    purpose_on_page: "as the page says",
    fields_on_page: |count| {
        if count == 1 { "1 more field".to_owned() } else { format!("{count} more fields") }
    },
    link_subject: |client| format!("{client} asks for your consent"),
    link_text: |client, purpose, until, link| {
        format!(
            "{client} asks for your consent. Purpose: {purpose}. See what is asked and answer by {until}: {link}"
        )
    },
};

fn field(kind: FieldKind) -> Option<&'static str> {
    match kind {
        FieldKind::Name => Some("Full name"),
        FieldKind::Email => Some("Email address"),
        FieldKind::Phone => Some("Phone number"),
        FieldKind::Address => Some("Postal address"),
        FieldKind::Birthdate => Some("Date of birth"),
        FieldKind::Other => None,
    }
}

fn problem(problem: Problem) -> String {
    match problem {
        Problem::Empty => "Fill this in, or untick it.".to_owned(),
        Problem::TooLong { limit } => format!("Use at most {limit} characters."),
        Problem::Unreadable => "Use letters, digits and punctuation only.".to_owned(),
        Problem::NoEmail => "Enter an email address such as name@example.com.".to_owned(),
        Problem::NoPhone => "Enter a phone number such as +44 20 7946 0958.".to_owned(),
        Problem::NoDate => "Enter a date in the past, as year-month-day: 1990-12-31.".to_owned(),
        Problem::NothingTicked => "Tick what you want to share, or reject the request.".to_owned(),
        Problem::NoCode => "Enter the 6 digits that we sent you.".to_owned(),
        Problem::WrongCode { tries_left } => {
            format!("That is not the code. {}", (WORDS.tries_left)(tries_left))
        }
        Problem::ExpiredCode => "Your code has expired. Ask for a new one.".to_owned(),
        Problem::ExhaustedCode => "Your code was tried too often. Ask for a new one.".to_owned(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}
