//! German.

use chrono::{DateTime, Datelike, Utc};

use super::{FieldKind, Note, Problem, Words};
use crate::ephemeral::code::{Action, MINUTES};

pub static WORDS: Words = Words {
    lang: "de",
    service: "mobid",
    error_prefix: "Fehler: ",
    error_heading: "Bitte prüfen",
    footer: "Prüfen Sie immer die Adresse in Ihrem Browser, bevor Sie etwas eingeben. Niemand wird Sie je am Telefon, im Chat oder per E-Mail nach einem Code fragen.",

    purpose_term: "Zweck",
    recipient_term: "Für",
    until_term: "Antwort bis",
    asks: |client| format!("{client} bittet um Ihre Einwilligung"),
    fields_legend: "Was Sie weitergeben",
    fields_legend_asked: "Was gefragt wird",
    fields_hint: "Entfernen Sie den Haken bei allem, was Sie lieber für sich behalten. Nur was angehakt ist, wird weitergegeben.",
    no_fields: "Es wird nach keinen persönlichen Daten gefragt. Sie stimmen nur dem Zweck oben zu.",
    next_step: |masked| {
        format!(
            "Wofür Sie sich auch entscheiden: Zuerst senden wir einen Einmalcode an {masked}. Nichts ist entschieden, bevor Sie ihn eingeben."
        )
    },
    not_expected: "Haben Sie das nicht erwartet? Lehnen Sie es ab, oder schließen Sie einfach diese Seite: Dann wird nichts weitergegeben.",
    approve: "Zustimmen",
    reject: "Ablehnen",
    passkey_demanded: Note {
        title: "Ein Passkey wird gebraucht",
        text: "Dieses Unternehmen nimmt nur eine Antwort mit einem Passkey an, ein Code genügt also nicht. Nichts wurde entschieden. Gehen Sie zurück und antworten Sie mit Ihrem Passkey.",
    },

    code_title: |action| match action {
        Action::Approve => "Zum Zustimmen den Code eingeben",
        Action::Reject => "Zum Ablehnen den Code eingeben",
        Action::Withdraw => "Zum Widerrufen den Code eingeben",
        Action::View => "Code eingeben und sehen, was Sie weitergegeben haben",
        Action::Enroll => "Zum Fortfahren den Code eingeben",
    },
    code_over_title: "Dieser Code gilt nicht mehr",
    code_sent: |masked| format!("Wir haben 6 Ziffern an {masked} gesendet. Sie gelten {MINUTES} Minuten."),
    code_label: "Einmalcode",
    code_hint: "6 Ziffern",
    what_happens: "Was dieser Code bewirkt",
    will_do: |action, client| match action {
        Action::Approve => format!("Sie stimmen zu und geben an {client} weiter:"),
        Action::Reject => format!("Sie lehnen die Anfrage ab. {client} erhält nichts."),
        Action::Withdraw => {
            format!("Sie widerrufen Ihre Einwilligung. {client} erhält Ihre Daten nicht mehr von uns.")
        }
        Action::View => "Sie sehen, was Sie weitergegeben haben. Nichts ändert sich.".to_owned(),
        Action::Enroll => {
            format!("Sie zeigen, dass Sie es sind, und richten als Nächstes einen Passkey für {client} ein.")
        }
    },
    shares_nothing: "Keine persönlichen Daten.",
    tries_left: |left| match left {
        1 => "Sie haben noch 1 Versuch.".to_owned(),
        left => format!("Sie haben noch {left} Versuche."),
    },
    confirm: |action| match action {
        Action::Approve => "Zustimmen",
        Action::Reject => "Ablehnen",
        Action::Withdraw => "Einwilligung widerrufen",
        Action::View => "Zeigen, was ich weitergegeben habe",
        Action::Enroll => "Weiter",
    },
    send_again: "Einen neuen Code senden",
    go_back: "Zurück, ohne zu entscheiden",

    approved: Note {
        title: "Zugestimmt",
        text: "Sie haben Ihre Einwilligung gegeben. Sie können sie jederzeit widerrufen.",
    },
    rejected: Note { title: "Abgelehnt", text: "Die Anfrage wurde abgelehnt. Nichts wurde weitergegeben." },
    expired: Note {
        title: "Diese Anfrage ist abgelaufen",
        text: "Sie wurde nicht rechtzeitig beantwortet, also wurde nichts weitergegeben. Wird sie noch gebraucht, kann das Unternehmen eine neue senden.",
    },
    taken_back_title: "Die Anfrage wurde zurückgenommen",
    taken_back: |client| format!("{client} hat diese Anfrage zurückgenommen. Sie brauchen nichts zu tun."),
    ended_by_client_title: "Diese Einwilligung ist beendet",
    ended_by_client: |client| {
        format!("{client} hat sie beendet. Was Sie weitergegeben hatten, ist von uns nicht mehr zu erhalten.")
    },
    revoked_by_you: Note {
        title: "Einwilligung widerrufen",
        text: "Sie haben Ihre Einwilligung widerrufen. Was Sie weitergegeben hatten, ist von uns nicht mehr zu erhalten.",
    },
    approved_term: "Zugestimmt",
    rejected_term: "Abgelehnt",
    expired_term: "Abgelaufen",
    withdrawn_term: "Widerrufen",
    taken_back_term: "Zurückgenommen",
    client_term: "Gefragt von",
    granted_heading: "Was Sie weitergeben",
    granted_heading_past: "Was weitergegeben war",
    granted_nothing: "Keine persönlichen Daten.",
    hidden_value: "Nach einem Code zu sehen",
    gone_value: "Nicht mehr zu erhalten",
    verified: "Durch Ihren Code bestätigt",
    self_asserted: "Wie Sie es angegeben haben",
    view_title: "Die Angaben ansehen",
    view_text: |masked| {
        format!("Wir senden einen Code an {masked} und zeigen dann, was Sie weitergegeben haben.")
    },
    view: "Zeigen, was ich weitergegeben habe",
    withdraw_title: "Haben Sie es sich anders überlegt?",
    withdraw_text: |client, masked| {
        format!(
            "Nach dem Widerruf kann {client} Ihre Daten nicht mehr von uns erhalten. Vorher senden wir einen Code an {masked}."
        )
    },
    withdraw: "Einwilligung widerrufen",
    return_to: |client| format!("Weiter zu {client}"),

    not_found: Note {
        title: "Hier ist nichts",
        text: "Dieser Link ist nicht gültig. Prüfen Sie, ob Sie ihn ganz kopiert haben, oder bitten Sie um einen neuen, wer ihn gesendet hat.",
    },
    method_not_allowed: Note {
        title: "Das geht hier nicht",
        text: "Öffnen Sie noch einmal den Link, der Ihnen gesendet wurde.",
    },
    cross_site: Note {
        title: "Das kam nicht von unserer Seite",
        text: "Eine andere Website wollte ein Formular in Ihrem Namen senden, und wir haben es nicht beachtet. Nichts wurde entschieden. Wenn Sie antworten möchten, öffnen Sie den Link, der Ihnen gesendet wurde.",
    },
    form_void: Note {
        title: "Dieses Formular gilt nicht mehr",
        text: "Die Sitzung Ihres Browsers ist eine andere als beim Öffnen der Seite, oder er nimmt keine Cookies an. Nichts wurde entschieden. Öffnen Sie die Anfrage noch einmal, und antworten Sie dort.",
    },
    bad_form: Note { title: "Wir konnten dieses Formular nicht lesen", text: "Nichts wurde entschieden." },
    form_too_large: "Es war zu groß.",
    form_incomplete: "Es ist unterwegs abgebrochen.",
    form_malformed: "Es ist nicht das, was diese Seite sendet, oder enthält Zeichen, die kein Text sind.",
    form_repeated: "Eines seiner Felder war doppelt.",
    changed: Note {
        title: "Die Anfrage hat sich geändert",
        text: "Sie ist nicht mehr die, die Sie gesehen haben; deshalb haben wir angehalten. Nichts wurde entschieden. Sehen Sie sie noch einmal an, bevor Sie antworten.",
    },
    ended: Note {
        title: "Das ist nicht mehr möglich",
        text: "Die Anfrage ist beendet oder wurde inzwischen beantwortet. Sehen Sie nach, wo sie steht.",
    },
    no_code: Note {
        title: "Hier wurde kein Code angefordert",
        text: "Ein Code gilt nur in dem Browser und für die Anfrage, für die er angefordert wurde. Nichts wurde entschieden. Beginnen Sie noch einmal bei der Anfrage.",
    },
    client_shut_out: Note {
        title: "Diese Anfrage kann nicht beantwortet werden",
        text: "Wer gefragt hat, nimmt zurzeit nicht an diesem Dienst teil. Nichts wurde weitergegeben, und Sie brauchen nichts zu tun.",
    },
    capped: Note {
        title: "Zu viele Codes",
        text: "Zu Ihrem Schutz senden wir eine Zeit lang keine Codes mehr und nehmen keine an. Nichts wurde entschieden.",
    },
    capped_until: |until| format!("Versuchen Sie es nach dem {} noch einmal.", time(until)),
    not_sent: Note {
        title: "Der Code konnte nicht gesendet werden",
        text: "Nichts wurde entschieden. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    },
    no_way_there: Note {
        title: "Es kann kein Code gesendet werden",
        text: "Dieser Dienst kann die Telefonnummer nicht erreichen, an die sich die Anfrage richtet; deshalb kann sie hier nicht beantwortet werden. Nichts wurde entschieden. Sagen Sie es bitte dem, der Ihnen den Link gesendet hat.",
    },
    qr_over: Note {
        title: "Dieser QR-Code ist abgelaufen",
        text: "Er wurde nicht rechtzeitig gescannt. Nichts wurde entschieden. Gehen Sie dorthin zurück, wo er gezeigt wurde, und lassen Sie sich einen neuen geben.",
    },
    erased: Note {
        title: "Diese Anfrage gibt es nicht mehr",
        text: "Die persönlichen Daten darin wurden gelöscht; deshalb kann sie weder gezeigt noch beantwortet werden.",
    },
    internal: Note {
        title: "Bei uns ist etwas schiefgegangen",
        text: "Bitte versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie es dem, der Ihnen den Link gesendet hat, und nennen Sie das Zeichen unten.",
    },
    one_moment: Note { title: "Einen Moment", text: "Die Seite öffnet sich von selbst." },
    look_again: "Die Anfrage ansehen",
    start_again: "Zurück zur Anfrage",
    reference: "Zeichen",

    field,
    purpose: |slug| match slug {
        "identity_verification" => Some("Ihre Identität prüfen"),
        "data_sharing" => Some("Ihre Daten weitergeben"),
        "payment" => Some("Eine Zahlung ausführen"),
        "login" => Some("Sie anmelden"),
        _ => None,
    },
    problem,
    time,

    code_subject: |client| format!("Ihr Einmalcode für {client}"),
    code_text: |code, action, client, fields| {
        let what = match action {
            Action::Approve if fields.is_empty() => format!("um der Anfrage von {client} zuzustimmen"),
            Action::Approve => {
                format!("um der Anfrage von {client} zuzustimmen und weiterzugeben: {fields}")
            }
            Action::Reject => format!("um die Anfrage von {client} abzulehnen"),
            Action::Withdraw => format!("um Ihre Einwilligung gegenüber {client} zu widerrufen"),
            Action::View => format!("um zu sehen, was Sie an {client} weitergegeben haben"),
            Action::Enroll => format!("um einen Passkey für {client} einzurichten"),
        };
        format!(
            "{code} ist Ihr Code, {what}. Er gilt {MINUTES} Minuten und nur auf der Seite, auf der er angefordert \
             wurde. Haben Sie ihn nicht angefordert, beachten Sie diese Nachricht nicht. Sagen Sie niemandem den Code."
        )
    },
    purpose_on_page: "wie auf der Seite angegeben",
    fields_on_page: |count| {
        if count == 1 { "1 weiteres Feld".to_owned() } else { format!("{count} weitere Felder") }
    },
    link_subject: |client| format!("{client} bittet um Ihre Einwilligung"),
    link_text: |client, purpose, until, link| {
        format!(
            "{client} bittet um Ihre Einwilligung. Zweck: {purpose}. Sehen Sie, was gefragt wird, und antworten Sie bis zum {until}: {link}"
        )
    },
};

fn field(kind: FieldKind) -> Option<&'static str> {
    match kind {
        FieldKind::Name => Some("Vollständiger Name"),
        FieldKind::Email => Some("E-Mail-Adresse"),
        FieldKind::Phone => Some("Telefonnummer"),
        FieldKind::Address => Some("Postanschrift"),
        FieldKind::Birthdate => Some("Geburtsdatum"),
        FieldKind::Other => None,
    }
}

fn problem(problem: Problem) -> String {
    match problem {
        Problem::Empty => "Füllen Sie das aus, oder entfernen Sie den Haken.".to_owned(),
        Problem::TooLong { limit } => format!("Verwenden Sie höchstens {limit} Zeichen."),
        Problem::Unreadable => "Verwenden Sie nur Buchstaben, Ziffern und Satzzeichen.".to_owned(),
        Problem::NoEmail => "Geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.com.".to_owned(),
        Problem::NoPhone => "Geben Sie eine Telefonnummer ein, zum Beispiel +49 30 901820.".to_owned(),
        Problem::NoDate => "Geben Sie ein vergangenes Datum ein, als Jahr-Monat-Tag: 1990-12-31.".to_owned(),
        Problem::NothingTicked => {
            "Haken Sie an, was Sie weitergeben möchten, oder lehnen Sie die Anfrage ab.".to_owned()
        }
        Problem::NoCode => "Geben Sie die 6 Ziffern ein, die wir Ihnen gesendet haben.".to_owned(),
        Problem::WrongCode { tries_left } => {
            format!("Das ist nicht der Code. {}", (WORDS.tries_left)(tries_left))
        }
        Problem::ExpiredCode => "Ihr Code ist abgelaufen. Fordern Sie einen neuen an.".to_owned(),
        Problem::ExhaustedCode => "Ihr Code wurde zu oft versucht. Fordern Sie einen neuen an.".to_owned(),
    }
}

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

fn time(at: DateTime<Utc>) -> String {
    let month = usize::try_from(at.month0()).ok().and_then(|month| MONTHS.get(month)).copied();
    format!("{}. {} {}", at.day(), month.unwrap_or_default(), at.format("%Y, %H:%M UTC"))
}
