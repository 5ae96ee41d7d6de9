//! English.

use mobid_domain::fido::Reason;

use super::PasskeyWords;
use crate::words::Note;

pub static WORDS: PasskeyWords = PasskeyWords {
    asks: |client| format!("{client} asks you to set up a passkey"),
    what_it_is: "A passkey lets you answer requests with your fingerprint, your face or your device's PIN, instead of a code. It stays on your device or in your password manager; the company never gets it.",
    steps_heading: "What happens",
    steps: [
        "You enter a code that we send you.",
        "Your device creates the passkey.",
        "You use it once, to see that it works.",
    ],
    step: |number| format!("Step {number} of 3"),
    next_step: |masked| format!("We send a one-time code to {masked} first, to see that it is you."),
    send_code: "Send me a code",
    not_expected: "Did you not expect this? Simply close this page: nothing will happen.",
    code_subject: |client| format!("Your one-time code for {client}"),

    name_term: "Name",
    known_heading: |client| format!("What {client} says about you"),
    create: Note {
        title: "Create your passkey",
        text: "Your device asks you to confirm with your fingerprint, your face or its PIN.",
    },
    create_button: "Create a passkey",
    exists: Note {
        title: "Use your passkey",
        text: "You have a passkey here already. Use it, and you are done.",
    },
    exists_button: "Use my passkey",
    lost: Note {
        title: "You no longer have it?",
        text: "You can begin anew. You will be a new person to every company: what you shared or agreed to before stays with your former passkey and is not shown to you any more. This cannot be undone.",
    },
    lost_button: "Begin anew",
    verify: Note {
        title: "Try your passkey",
        text: "It was created. Use it once, so that everybody can be sure that it works.",
    },
    verify_button: "Use my passkey",

    without_script: Note {
        title: "This step needs JavaScript",
        text: "A browser cannot use passkeys without it. Turn it on for this page, then load the page again.",
    },
    stopped: "Nothing happened: it was stopped, or took too long. You can try again.",
    failed: "This did not work here. Try again, or open the link on another device.",
    unsupported: "This browser cannot use passkeys. Open the link in another browser or on another device.",
    not_taken: |reason| match reason {
        Reason::SessionExpired => "That took longer than five minutes, or was sent twice. Try again.",
        Reason::UnknownCredential => {
            "This is not the passkey that is needed here. Try again with the right one."
        }
        Reason::DeviceBlocked => "The company does not accept this passkey any more.",
        Reason::UserNotVerified => {
            "Your device did not check that it is you. Try again with fingerprint, face or PIN."
        }
        Reason::CounterRegressed => {
            "There seems to be a copy of this passkey, so it is no longer accepted anywhere."
        }
        Reason::SignatureInvalid
        | Reason::ChallengeMismatch
        | Reason::OriginMismatch
        | Reason::RpIdMismatch => "What your device sent does not fit this page. Try again.",
    },

    completed: Note {
        title: "Your passkey is set up",
        text: "From now on you can answer requests with it. You can close this page.",
    },
    failed_for_good: Note {
        title: "This did not work",
        text: "The passkey could not be confirmed in five tries. If it is still needed, the company can send you a new link.",
    },
    cancelled_title: "The request was taken back",
    cancelled: |client| format!("{client} took this request back. There is nothing for you to do."),
    expired: Note {
        title: "This request has expired",
        text: "The passkey was not set up in time. If it is still needed, the company can send you a new link.",
    },
    completed_term: "Set up",
    ended_term: "Ended",
    expired_term: "Expired",

    with_passkey: "Do you have a passkey here? Then you need no code.",
    approve: "Approve with a passkey",
    reject: "Reject with a passkey",
    withdraw: "Withdraw with a passkey",
    view: "Show it with a passkey",
    withdraw_text: |client, _| {
        format!(
            "Once withdrawn, {client} can no longer get your data from us. Your passkey is asked for first."
        )
    },
    demanded: "This company accepts an answer with a passkey only. If you have none here, you can create one: the link at the foot of this page leads there. Or close this page: nothing will be shared, and the request ends by itself.",
    needed: Note {
        title: "Use your passkey",
        text: "Whoever has this phone number or address has set up a passkey, so a code is not enough here. Nothing was decided. Go back, and answer with the passkey. If you no longer have it, you can begin anew: the link at the foot of this page leads there.",
    },

    moved: Note {
        title: "This request was for somebody else",
        text: "Since it was sent, its phone number or address was set up anew, so it can no longer be answered with it. If it is still needed, the company can send a new one.",
    },
    begun_anew_subject: "Your passkeys were set aside",
    begun_anew_text: "Somebody who reads messages to this phone number or address set it up anew, without your passkeys. What you shared before stays with your former passkeys, and is not shown to them. If this was not you, others may be reading your messages: contact your provider.",
    added_subject: "A passkey was added",
    added_text: "A passkey was created for this phone number or address. Whoever has it can answer requests and sign in as you. If this was not you, sign in to your consents and remove it there, and tell the companies that you use your passkeys with.",
    removed_subject: "A passkey was removed",
    removed_text: "One of your passkeys was removed. It opens nothing any more, and the companies that you used it with know that. If this was not you, sign in to your consents and look at the passkeys that are left.",
    copied_text: "One of your passkeys was removed, since there seems to be a copy of it. It opens nothing any more, and the companies that you used it with know that. Sign in to your consents and see whether you know everything there.",
};
