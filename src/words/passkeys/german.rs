//! German.

use mobid_domain::fido::Reason;

use super::PasskeyWords;
use crate::words::Note;

pub static WORDS: PasskeyWords = PasskeyWords {
    asks: |client| format!("{client} bittet Sie, einen Passkey einzurichten"),
    what_it_is: "Mit einem Passkey beantworten Sie Anfragen mit Fingerabdruck, Gesicht oder der PIN Ihres Geräts statt mit einem Code. Er bleibt auf Ihrem Gerät oder in Ihrem Passwortmanager; das Unternehmen bekommt ihn nie.",
    steps_heading: "So läuft es ab",
    steps: [
        "Sie geben einen Code ein, den wir Ihnen senden.",
        "Ihr Gerät erstellt den Passkey.",
        "Sie benutzen ihn einmal, um zu sehen, dass er funktioniert.",
    ],
    step: |number| format!("Schritt {number} von 3"),
    next_step: |masked| {
        format!("Zuerst senden wir einen Einmalcode an {masked}, damit klar ist, dass Sie es sind.")
    },
    send_code: "Code senden",
    not_expected: "Haben Sie das nicht erwartet? Schließen Sie einfach diese Seite: Es geschieht nichts.",
    code_subject: |client| format!("Ihr Einmalcode für {client}"),

    name_term: "Name",
    known_heading: |client| format!("Was {client} über Sie angibt"),
    create: Note {
        title: "Passkey erstellen",
        text: "Ihr Gerät bittet Sie um eine Bestätigung mit Fingerabdruck, Gesicht oder PIN.",
    },
    create_button: "Passkey erstellen",
    exists: Note {
        title: "Benutzen Sie Ihren Passkey",
        text: "Sie haben hier schon einen Passkey. Benutzen Sie ihn, dann sind Sie fertig.",
    },
    exists_button: "Meinen Passkey benutzen",
    lost: Note {
        title: "Sie haben ihn nicht mehr?",
        text: "Sie können neu beginnen. Für jedes Unternehmen sind Sie dann eine neue Person: Was Sie bisher geteilt oder erlaubt haben, bleibt bei Ihrem alten Passkey und wird Ihnen nicht mehr gezeigt. Das lässt sich nicht rückgängig machen.",
    },
    lost_button: "Neu beginnen",
    verify: Note {
        title: "Probieren Sie Ihren Passkey aus",
        text: "Er wurde erstellt. Benutzen Sie ihn einmal, damit alle sicher sein können, dass er funktioniert.",
    },
    verify_button: "Meinen Passkey benutzen",

    without_script: Note {
        title: "Dieser Schritt braucht JavaScript",
        text: "Ohne JavaScript kann ein Browser keine Passkeys benutzen. Erlauben Sie es für diese Seite und laden Sie sie neu.",
    },
    stopped: "Es ist nichts geschehen: Der Vorgang wurde abgebrochen oder dauerte zu lange. Sie können es noch einmal versuchen.",
    failed: "Das hat hier nicht funktioniert. Versuchen Sie es noch einmal, oder öffnen Sie den Link auf einem anderen Gerät.",
    unsupported: "Dieser Browser kann keine Passkeys benutzen. Öffnen Sie den Link in einem anderen Browser oder auf einem anderen Gerät.",
    not_taken: |reason| match reason {
        Reason::SessionExpired => {
            "Das dauerte länger als fünf Minuten oder wurde zweimal gesendet. Versuchen Sie es noch einmal."
        }
        Reason::UnknownCredential => {
            "Das ist nicht der Passkey, der hier gebraucht wird. Versuchen Sie es mit dem richtigen."
        }
        Reason::DeviceBlocked => "Das Unternehmen akzeptiert diesen Passkey nicht mehr.",
        Reason::UserNotVerified => {
            "Ihr Gerät hat nicht geprüft, dass Sie es sind. Versuchen Sie es mit Fingerabdruck, Gesicht oder PIN."
        }
        Reason::CounterRegressed => {
            "Von diesem Passkey scheint es eine Kopie zu geben. Er wird deshalb nirgends mehr akzeptiert."
        }
        Reason::SignatureInvalid
        | Reason::ChallengeMismatch
        | Reason::OriginMismatch
        | Reason::RpIdMismatch => {
            "Was Ihr Gerät gesendet hat, passt nicht zu dieser Seite. Versuchen Sie es noch einmal."
        }
    },

    completed: Note {
        title: "Ihr Passkey ist eingerichtet",
        text: "Ab jetzt können Sie Anfragen damit beantworten. Sie können diese Seite schließen.",
    },
    failed_for_good: Note {
        title: "Das hat nicht geklappt",
        text: "Der Passkey ließ sich in fünf Versuchen nicht bestätigen. Wird er noch gebraucht, kann das Unternehmen einen neuen Link senden.",
    },
    cancelled_title: "Die Anfrage wurde zurückgezogen",
    cancelled: |client| format!("{client} hat diese Anfrage zurückgezogen. Sie müssen nichts tun."),
    expired: Note {
        title: "Diese Anfrage ist abgelaufen",
        text: "Der Passkey wurde nicht rechtzeitig eingerichtet. Wird er noch gebraucht, kann das Unternehmen einen neuen Link senden.",
    },
    completed_term: "Eingerichtet",
    ended_term: "Beendet",
    expired_term: "Abgelaufen",

    with_passkey: "Haben Sie hier einen Passkey? Dann brauchen Sie keinen Code.",
    approve: "Mit Passkey zustimmen",
    reject: "Mit Passkey ablehnen",
    withdraw: "Mit Passkey widerrufen",
    view: "Mit Passkey anzeigen",
    withdraw_text: |client, _| {
        format!(
            "Nach dem Widerruf bekommt {client} Ihre Daten nicht mehr von uns. Zuerst wird nach Ihrem Passkey gefragt."
        )
    },
    demanded: "Dieses Unternehmen akzeptiert nur eine Antwort mit Passkey. Haben Sie hier keinen, können Sie einen erstellen: Der Link am Fuß dieser Seite führt dorthin. Oder schließen Sie diese Seite: Es wird nichts geteilt, und die Anfrage endet von selbst.",
    needed: Note {
        title: "Benutzen Sie Ihren Passkey",
        text: "Wer diese Telefonnummer oder Adresse hat, hat einen Passkey eingerichtet. Ein Code genügt hier deshalb nicht. Es wurde nichts entschieden. Gehen Sie zurück und antworten Sie mit dem Passkey. Haben Sie ihn nicht mehr, können Sie neu beginnen: Der Link am Fuß dieser Seite führt dorthin.",
    },

    moved: Note {
        title: "Diese Anfrage war für jemand anderen",
        text: "Seit sie gesendet wurde, wurde die Telefonnummer oder Adresse neu eingerichtet. Sie kann damit nicht mehr beantwortet werden. Wird sie noch gebraucht, kann das Unternehmen eine neue senden.",
    },
    begun_anew_subject: "Ihre Passkeys gelten hier nicht mehr",
    begun_anew_text: "Jemand, der Nachrichten an diese Telefonnummer oder Adresse liest, hat sie ohne Ihre Passkeys neu eingerichtet. Was Sie bisher geteilt haben, bleibt bei Ihren alten Passkeys und wird dort nicht gezeigt. Waren Sie das nicht, lesen vielleicht andere Ihre Nachrichten: Wenden Sie sich an Ihren Anbieter.",
    added_subject: "Ein Passkey wurde hinzugefügt",
    added_text: "Für diese Telefonnummer oder Adresse wurde ein Passkey erstellt. Wer ihn hat, kann als Sie Anfragen beantworten und sich anmelden. Waren Sie das nicht, melden Sie sich bei Ihren Einwilligungen an und entfernen ihn dort, und sagen Sie es den Unternehmen, bei denen Sie Ihre Passkeys benutzen.",
    removed_subject: "Ein Passkey wurde entfernt",
    removed_text: "Einer Ihrer Passkeys wurde entfernt. Er öffnet nichts mehr, und die Unternehmen, bei denen Sie ihn benutzt haben, wissen das. Waren Sie das nicht, melden Sie sich bei Ihren Einwilligungen an und sehen Sie sich die übrigen Passkeys an.",
    copied_text: "Einer Ihrer Passkeys wurde entfernt, weil es eine Kopie von ihm zu geben scheint. Er öffnet nichts mehr, und die Unternehmen, bei denen Sie ihn benutzt haben, wissen das. Melden Sie sich bei Ihren Einwilligungen an und prüfen Sie, ob Ihnen dort alles bekannt ist.",
};
