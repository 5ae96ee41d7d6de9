//! German.

use mobid_domain::consent::{AssuranceMethod, Status};
use mobid_domain::report::Reason;

use super::MeWords;
use crate::ephemeral::code::MINUTES;
use crate::words::Note;

pub static WORDS: MeWords = MeWords {
    link: "Ihre Einwilligungen und Passkeys",
    title: "Ihre Einwilligungen und Passkeys",
    lead: "Sehen Sie, wer Sie wonach gefragt hat und wozu Sie Ja gesagt haben, und nehmen Sie es zurück. Niemand außer Ihnen sieht diese Seite.",
    by_passkey: Note {
        title: "Mit Ihrem Passkey",
        text: "Ihr Gerät bittet Sie um eine Bestätigung mit Fingerabdruck, Gesicht oder PIN.",
    },
    by_passkey_button: "Mit Passkey anmelden",
    by_code: Note {
        title: "Mit einem Einmalcode",
        text: "Haben Sie hier keinen Passkey, geben Sie die Telefonnummer oder E-Mail-Adresse ein, unter der Unternehmen Sie erreichen.",
    },
    handle_label: "Telefonnummer oder E-Mail-Adresse",
    handle_hint: "Eine Telefonnummer mit Landesvorwahl, zum Beispiel +49 30 901820.",
    send_code: "Code senden",
    bad_handle: "Geben Sie eine Telefonnummer ein, die mit + und der Landesvorwahl beginnt, oder eine E-Mail-Adresse.",
    unreachable_handle: "Dieser Dienst kann keine Codes an Telefonnummern senden. Geben Sie eine E-Mail-Adresse ein, oder benutzen Sie einen Passkey.",
    no_passkeys: Note {
        title: "Hier lassen sich keine Passkeys benutzen",
        text: "Dieser Dienst ist unter einer Nummer statt unter einem Namen zu erreichen, und Browser bewahren Passkeys nur für Namen auf. Es wurde nichts entschieden. Wo ein Einmalcode genügt, gehen Sie zurück und benutzen Sie einen.",
    },

    code_title: "Zum Anmelden den Code eingeben",
    code_sent: |masked| {
        format!(
            "Wurde {masked} hier schon einmal nach etwas gefragt, haben wir 6 Ziffern dorthin gesendet. Sie gelten {MINUTES} Minuten."
        )
    },
    code_does: "Sie melden sich an und sehen Ihre Einwilligungen. Entschieden wird damit nichts.",
    code_confirm: "Anmelden",
    code_missing: "Es kam nichts? Nachrichten brauchen manchmal eine Minute. Prüfen Sie die Nummer oder Adresse; wurde sie hier noch nie nach etwas gefragt, wird nichts gesendet.",
    code_back: "Eine andere Nummer oder Adresse benutzen",
    code_subject: "Ihr Einmalcode zum Anmelden",
    code_text: |code| {
        format!(
            "{code} ist Ihr Code, um sich anzumelden und Ihre Einwilligungen und Passkeys zu sehen. Er gilt {MINUTES} \
             Minuten und nur auf der Seite, auf der er angefordert wurde. Haben Sie ihn nicht angefordert, beachten Sie \
             diese Nachricht nicht. Sagen Sie niemandem den Code."
        )
    },

    passkey_needed: |masked| {
        format!(
            "Sie lesen die Nachrichten an {masked}. Wer das hier eingerichtet hat, hat aber einen Passkey. Ein Code allein zeigt deshalb nichts: Benutzen Sie den Passkey."
        )
    },
    passkey_lost: "Sie können neu beginnen und wieder einen Passkey erstellen. Für jedes Unternehmen sind Sie dann eine neue Person: Was Sie bisher geteilt oder erlaubt haben, bleibt bei Ihrem alten Passkey und wird Ihnen nicht mehr gezeigt. Das lässt sich nicht rückgängig machen.",

    signed_in_as: |masked| format!("Sie sind angemeldet als {masked}."),
    signed_in_formerly: "Sie sind mit Ihrem Passkey angemeldet. Ihre Telefonnummer oder Adresse wurde seither von jemand anderem neu eingerichtet; Sie sehen, was davor an Sie kam.",
    by_code_alone: "Sie haben sich mit einem Einmalcode angemeldet. Wer Ihre Nachrichten liest, kann das auch: Ein Passkey ist sicherer.",
    sign_out: "Abmelden",
    sign_out_everywhere: "Überall abmelden",

    consents_heading: "Ihre Einwilligungen",
    no_consents: Note {
        title: "Noch hat Sie niemand nach etwas gefragt",
        text: "Bittet ein Unternehmen um Ihre Einwilligung, finden Sie das hier, wie auch immer Sie antworten.",
    },
    no_older: "Älteres gibt es nicht.",
    older: "Ältere",
    newest: "Zurück zu den neuesten",
    status: |status| match status {
        Status::Pending => "Wartet auf Sie",
        Status::Approved => "Zugestimmt",
        Status::Rejected => "Abgelehnt",
        Status::Expired => "Abgelaufen",
        Status::Revoked => "Beendet",
    },
    asks_for: "Gefragt wurde nach",
    not_granted: "Nicht erlaubt",
    asks_for_nothing: "Keine persönlichen Daten",

    asked_term: "Gefragt",
    decided_by: |method| match method {
        AssuranceMethod::Passkey => "Ihr Passkey",
        AssuranceMethod::OneTimeCode => "Ein Einmalcode",
    },
    decided_by_term: "Beantwortet mit",
    pending: |client| {
        format!(
            "{client} wartet auf Ihre Antwort. Sie entscheiden auf der eigenen Seite der Anfrage; bis dahin wird nichts weitergegeben."
        )
    },
    answer: "Die Anfrage ansehen und antworten",
    back: "Zurück zu allen Einwilligungen",
    withdraw_text: |client, masked| {
        format!(
            "Nach dem Widerruf bekommt {client} Ihre Daten nicht mehr von uns. Zuerst senden wir einen Code an {masked}."
        )
    },
    withdraw_only_by_passkey: "Dieses Unternehmen akzeptiert nur einen Passkey, auch für den Widerruf, und Sie haben hier zurzeit keinen. Auf der Seite mit allen Ihren Einwilligungen können Sie einen erstellen.",

    report_title: "Stimmt damit etwas nicht?",
    report_text: "Sagen Sie es denen, die diesen Dienst betreiben. Das Unternehmen erfährt nichts davon.",
    report_link: "Missbrauch melden",
    report_page_title: |client| format!("{client} melden"),
    report_lead: |client| {
        format!(
            "Wer diesen Dienst betreibt, liest Ihre Meldung: um welche Anfrage es geht, was Sie auswählen und was Sie schreiben. {client} erfährt nichts davon. Eine Meldung widerruft nichts."
        )
    },
    reason_legend: "Was stimmt nicht?",
    reason: |reason| match reason {
        Reason::UnknownClient => "Ich habe mit diesem Unternehmen nichts zu tun",
        Reason::Misleading => "Es gibt sich für jemand anderen oder für etwas anderes aus",
        Reason::TooMuch => "Es fragt nach mehr, als es brauchen kann",
        Reason::Pressure => "Jemand drängte mich zuzustimmen oder wollte einen Code von mir",
        Reason::TooOften => "Es kommt immer wieder",
        Reason::Other => "Etwas anderes",
    },
    report_label: "In Ihren eigenen Worten",
    report_hint: "Sie müssen nichts schreiben, außer es ist etwas anderes. Bitte keine Codes und keine Passwörter.",
    report_button: "Meldung senden",
    report_not: "Nichts senden",
    no_reason: "Wählen Sie aus, was nicht stimmt.",
    no_words: "Sagen Sie in wenigen Worten, was nicht stimmt.",
    report_too_long: |limit| format!("Verwenden Sie höchstens {limit} Zeichen."),
    reported: |when| format!("Sie haben das am {when} gemeldet. Wer diesen Dienst betreibt, kann es lesen."),

    passkeys_heading: "Ihre Passkeys",
    no_passkey_yet: "Sie haben hier keinen.",
    passkey_name: |number| format!("{number}. Passkey"),
    this_passkey: "Damit haben Sie sich angemeldet",
    synced: "Von Ihrem Passwortmanager verwahrt, auf allen Ihren Geräten",
    not_synced: "Nur auf einem Gerät oder Sicherheitsschlüssel",
    added_term: "Hinzugefügt",
    used_term: "Zuletzt benutzt",
    never_used: "Nie",
    add_text: "Ihr Gerät bittet Sie um eine Bestätigung mit Fingerabdruck, Gesicht oder PIN. Ab dann öffnen sich Ihre Einwilligungen nur noch mit einem Passkey.",
    add_button: "Passkey erstellen",
    passkey_term: "Passkey",
    drop_link: "Entfernen",
    drop_title: "Diesen Passkey entfernen?",
    drop_text: "Er öffnet hier dann nichts mehr, sofort und für jedes Unternehmen, und Sie werden überall abgemeldet. Was Sie damit erlaubt haben, bleibt, wie es ist. Ihr Gerät oder Passwortmanager führt ihn weiter auf, bis Sie ihn auch dort entfernen.",
    drop_last: |masked| {
        format!(
            "Das ist Ihr letzter Passkey. Ohne einen kann, wer die Nachrichten an {masked} liest, all das sehen und in Ihrem Namen antworten. Anfragen, die einen Passkey verlangen, lassen sich nicht beantworten und solche Einwilligungen nicht widerrufen, bis Sie wieder einen erstellen."
        )
    },
    drop_last_formerly: "Das ist Ihr letzter Passkey, und Ihre Telefonnummer oder Adresse führt inzwischen zu jemand anderem. Ohne ihn kann diese Einwilligungen nie wieder jemand sehen oder widerrufen, auch Sie nicht.",
    drop_sure: "Ich habe das gelesen und möchte meinen letzten Passkey entfernen",
    drop_not_sure: "Setzen Sie den Haken, wenn Sie Ihren letzten Passkey entfernen möchten.",
    drop_proof: "Sie haben sich vor einer Weile angemeldet; deshalb wird zuerst nach Ihrem Passkey gefragt.",
    drop_button: "Den Passkey entfernen",
    keep: "Behalten",

    signed_out: Note {
        title: "Sie sind abgemeldet",
        text: "In diesem Browser sieht niemand mehr Ihre Einwilligungen.",
    },
    signed_out_everywhere: Note {
        title: "Sie sind überall abgemeldet",
        text: "Wer in irgendeinem Browser als Sie angemeldet war, ist es nicht mehr.",
    },
    dropped: Note {
        title: "Der Passkey wurde entfernt",
        text: "Er öffnet hier nichts mehr. Sie sind überall abgemeldet. Entfernen Sie ihn auch von Ihrem Gerät oder aus Ihrem Passwortmanager.",
    },
    sign_in_again: "Wieder anmelden",

    ended: Note {
        title: "Sie sind nicht mehr angemeldet",
        text: "Zu Ihrem Schutz endet eine Sitzung nach einigen Minuten, in denen nichts geschieht, und wenn ein Passkey entfernt wird. Es wurde nichts getan. Melden Sie sich wieder an.",
    },
    stale: Note {
        title: "Bitte melden Sie sich zuerst noch einmal an",
        text: "Sie haben sich vor einer Weile angemeldet, und das lässt sich nicht rückgängig machen. Es wurde nichts getan. Melden Sie sich noch einmal an, und tun Sie es dann gleich.",
    },
    too_much: Note {
        title: "Zu viele Versuche",
        text: "Zum Schutz aller haben wir das für eine Weile angehalten. Es wurde nichts getan.",
    },
    too_many_reports: Note {
        title: "Das reicht für heute",
        text: "Sie haben schon mehrere Anfragen gemeldet, und sie werden angesehen. Mehr wurde nicht gesendet. Morgen können Sie wieder etwas melden.",
    },
    no_code: Note {
        title: "Hier wurde kein Code angefordert",
        text: "Ein Code gilt nur in dem Browser und nur für das, wofür er angefordert wurde. Es wurde nichts getan. Beginnen Sie noch einmal.",
    },
};
