//! German.

use super::{LoginWords, NoteOf};

pub static WORDS: LoginWords = LoginWords {
    step: |number| format!("Schritt {number} von 2"),
    title: |client| format!("Bei {client} anmelden"),
    number_lead: |client| format!("{client} zeigt neben dem QR-Code eine Zahl. Geben Sie sie hier ein."),
    number_label: "Zahl neben dem QR-Code",
    number_hint: "3 Ziffern",
    no_number: "Geben Sie die 3 Ziffern ein, die neben dem QR-Code stehen.",
    wrong_number: "Das ist nicht die Zahl neben dem QR-Code.",
    careful_title: "Haben Sie das selbst begonnen?",
    careful: |client| {
        format!(
            "Machen Sie nur weiter, wenn Sie die Seite von {client} selbst geöffnet haben und die Zahl dort sehen. Hat Ihnen jemand diesen Code geschickt oder nennt Ihnen die Zahl, brechen Sie ab: Sonst wird diese Person an Ihrer Stelle angemeldet."
        )
    },
    go_on: "Weiter",
    decline: "Abbrechen: Das war ich nicht",
    until: "Möglich bis",

    passkey_title: "Mit Ihrem Passkey bestätigen",
    passkey_lead: |client| {
        format!(
            "Sie melden sich gleich bei {client} an. Ihr Gerät bittet Sie um eine Bestätigung mit Fingerabdruck, Gesicht oder PIN."
        )
    },
    passkey_button: "Mit Passkey anmelden",
    client_term: "Anmeldung bei",
    number_term: "Zahl",
    none_title: "Kein Passkey vorhanden?",
    none: |client| {
        format!(
            "Dann können Sie sich so nicht anmelden: Dafür braucht es einen Passkey, den Sie bei diesem Dienst eingerichtet haben; ein Einmalcode genügt nicht. Brechen Sie ab und melden Sie sich bei {client} anders an, oder bitten Sie {client} um einen Link, mit dem Sie einen einrichten."
        )
    },

    done: NoteOf {
        title: "Sie sind angemeldet",
        text: |client| {
            format!(
                "Machen Sie dort weiter, wo Sie den QR-Code gesehen haben: Die Seite von {client} öffnet sich dort. Diese Seite können Sie schließen."
            )
        },
    },
    used: NoteOf {
        title: "Dieser QR-Code wurde benutzt",
        text: |client| {
            format!(
                "Jemand hat sich damit bei {client} angemeldet, und er gilt nur einmal. Möchten Sie sich anmelden, holen Sie sich auf der Seite von {client} einen neuen."
            )
        },
    },
    declined: NoteOf {
        title: "Anmeldung abgebrochen",
        text: |client| {
            format!(
                "Niemand wurde bei {client} angemeldet, und dieser QR-Code gilt nicht mehr. Hatte ihn Ihnen jemand geschickt, sagen Sie es {client}."
            )
        },
    },
    exhausted: NoteOf {
        title: "Zu viele falsche Zahlen",
        text: |client| {
            format!(
                "Niemand wurde angemeldet, und dieser QR-Code gilt nicht mehr. Für einen neuen Versuch holen Sie sich auf der Seite von {client} einen neuen und geben die Zahl ein, die daneben steht."
            )
        },
    },
    expired: NoteOf {
        title: "Anmeldung abgelaufen",
        text: |client| {
            format!(
                "Es hat zu lange gedauert, also wurde niemand angemeldet. Holen Sie sich auf der Seite von {client} einen neuen QR-Code."
            )
        },
    },
    done_term: "Angemeldet",
    used_term: "Benutzt",
    ended_term: "Beendet",
};
