//! English.

use super::{LoginWords, NoteOf};

pub static WORDS: LoginWords = LoginWords {
    step: |number| format!("Step {number} of 2"),
    title: |client| format!("Sign in to {client}"),
    number_lead: |client| format!("{client} shows a number beside the QR code. Enter it here."),
    number_label: "Number beside the QR code",
    number_hint: "3 digits",
    no_number: "Enter the 3 digits that stand beside the QR code.",
    wrong_number: "That is not the number beside the QR code.",
    careful_title: "Did you start this yourself?",
    careful: |client| {
        format!(
            "Go on only if you opened {client}'s own page and see the number there. If somebody sent you this code, or tells you the number, cancel: they would be signed in as you."
        )
    },
    go_on: "Continue",
    decline: "Cancel: this was not me",
    until: "Possible until",

    passkey_title: "Confirm with your passkey",
    passkey_lead: |client| {
        format!(
            "You are about to sign in to {client}. Your device asks you to confirm with your fingerprint, your face or its PIN."
        )
    },
    passkey_button: "Sign in with a passkey",
    client_term: "Sign-in to",
    number_term: "Number",
    none_title: "No passkey here?",
    none: |client| {
        format!(
            "Then you cannot sign in this way: it takes a passkey that you set up with this service, and a one-time code is not enough. Cancel, and sign in to {client} in another way, or ask {client} to send you a link that sets one up."
        )
    },

    done: NoteOf {
        title: "You are signed in",
        text: |client| {
            format!("Go on where you saw the QR code: {client}'s page opens there. You can close this page.")
        },
    },
    used: NoteOf {
        title: "This QR code was used",
        text: |client| {
            format!(
                "Somebody has signed in to {client} with it, and it works only once. If you want to sign in, get a new one on {client}'s page."
            )
        },
    },
    declined: NoteOf {
        title: "Sign-in cancelled",
        text: |client| {
            format!(
                "Nobody was signed in to {client}, and this QR code no longer works. If somebody had sent it to you, tell {client}."
            )
        },
    },
    exhausted: NoteOf {
        title: "Too many wrong numbers",
        text: |client| {
            format!(
                "Nobody was signed in, and this QR code no longer works. To try again, get a new one on {client}'s own page, and enter the number that stands beside it."
            )
        },
    },
    expired: NoteOf {
        title: "Sign-in expired",
        text: |client| {
            format!("It took too long, so nobody was signed in. Get a new QR code on {client}'s page.")
        },
    },
    done_term: "Signed in",
    used_term: "Used",
    ended_term: "Ended",
};
