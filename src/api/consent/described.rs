//! The routes of consents, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::create::{DEFAULT_MINUTES, MAX_MINUTES};
use super::evidence::Item as Evidence;
use super::history::Item;
use super::values::{MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE};
use crate::openapi::body::Body;
use crate::openapi::events;
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::{
    boolean, callback_url, consent_statuses, handle, integer, list, one_of, return_url, slug, text, time,
};
use crate::presentation::consent::{ConsentBody, ConsentWatched};
use mobid_domain::consent::{MAX_SCOPE, Status};

const ALL: &str = "/service/consents";
const ONE: &str = "/service/consents/{id}";
const TAG: &str = "Consents";
const KNOWN_PURPOSES: [&str; 4] = ["identity_verification", "data_sharing", "payment", "login"];
const KNOWN_FIELDS: [&str; 5] = ["name", "email", "phone", "address", "birthdate"];
pub fn operations() -> Vec<Operation> {
    let create = create();
    let update = update();
    vec![
        create.also((Method::POST, ALL), "createConsent"),
        create,
        list_all(),
        retrieve(),
        update.also((Method::PUT, ONE), "putConsent"),
        update,
        revoke(),
        history(),
        evidence(),
        follow(),
        summary(),
    ]
}

fn create() -> Operation {
    let session = ("Consent session created", Shown::one::<ConsentBody>());
    Operation::new((Method::POST, "/service/consents/search"), (TAG, "createConsentSession"), "Create a consent session", session)
        .about("Asks a person for a consent. They decide on the page at `url`; whether a decision came is told by webhooks, by the `callbackUrl` and by `GET` with `wait`.")
        .takes(new_consent())
        .versioned()
        .leads_to(&["retrieveConsent", "updateConsent", "revokeConsent", "consentHistory"])
        .calls_back(events::callbacks())
}

fn new_consent() -> Body {
    let reference = json!({ "recipient": "+1234567890", "purpose": "identity_verification",
        "scope": ["name", "email", "phone"], "callbackUrl": "https://yourapp.com/callback" });
    let further = json!({ "recipient": "ann@example.com", "purpose": "data_sharing", "scope": ["birthdate"],
        "expiresIn": 60, "requireAssurance": "any", "notify": true, "locale": "en", "metadata": { "order": "17" } });
    Body::new("NewConsent")
        .required("recipient", "Who is asked: a phone number or an email address.", handle())
        .required("purpose", "What for. Known: identity_verification, data_sharing, payment, login.", slug(&KNOWN_PURPOSES))
        .optional("scope", "Which fields are asked for. Known: name, email, phone, address, birthdate.", scope())
        .optional("callbackUrl", "Where the outcome is sent: https (http to loopback), at one of the client's `callbackHosts` where it has any.", callback_url())
        .optional("returnUrl", "Where the page leads the recipient afterwards: on one of the client's `origins`.", return_url())
        .optional("expiresIn", &format!("Minutes until it expires; {DEFAULT_MINUTES} if not said."), minutes())
        .optional("requireAssurance", "What the recipient has to prove when deciding; `any` if not said.", one_of(&["any", "passkey"]))
        .optional("notify", "Whether to send the link to the recipient; `false` if not said.", boolean())
        .optional("locale", "The language of page and message, as a BCP 47 tag.", locale())
        .optional("metadata", "Whatever the client wants to find there again.", metadata())
        .example("reference", &reference)
        .example("further", &further)
}

fn minutes() -> Value {
    integer(1, MAX_MINUTES)
}

fn scope() -> Value {
    list(&slug(&KNOWN_FIELDS), Some(MAX_SCOPE), true, &json!(["name"]))
}

fn locale() -> Value {
    json!({ "type": "string", "maxLength": 35, "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", "examples": ["de-AT"] })
}

fn metadata() -> Value {
    let value = json!({ "type": "string", "maxLength": MAX_METADATA_VALUE, "pattern": r"^[^\u0000]*$" });
    json!({ "type": "object", "maxProperties": MAX_METADATA, "propertyNames": text(1, MAX_METADATA_KEY),
        "additionalProperties": value, "examples": [{ "order": "17" }] })
}

fn list_all() -> Operation {
    let page = ("Consent sessions", Shown::page_of::<ConsentBody>());
    Operation::new((Method::GET, ALL), (TAG, "listConsents"), "List consent sessions", page)
        .about("Newest first.")
        .query("status", "Only those that are so.", &consent_statuses())
        .query("purpose", "Only those for this.", &slug(&KNOWN_PURPOSES))
        .query("recipient", "Only those of this person.", &handle())
        .query("createdAfter", "Only those that were created after that.", &time())
        .query("createdBefore", "Only those that were created before that.", &time())
        .paged()
        .positioned()
}

fn retrieve() -> Operation {
    let (whole, watched) = (Shown::one::<ConsentBody>(), Shown::one::<ConsentWatched>());
    let schema = json!({ "anyOf": [whole.schema, watched.schema] });
    let shown = Shown { schema, named: [whole.named, watched.named].concat() };
    Operation::new((Method::GET, ONE), (TAG, "retrieveConsent"), "Retrieve a consent session", ("Consent session", shown))
        .about("As it is, as it was (`asOf`), or once its status changes (`wait`); not both. With a watch token the status alone, as it is now.")
        .names("ConsentId")
        .as_of()
        .query("wait", "Seconds to wait for another status before answering.", &integer(0, 30))
        .versioned()
}

fn update() -> Operation {
    let session = ("Consent session updated", Shown::one::<ConsentBody>());
    let body = Body::new("ConsentChanges")
        .replace("purpose", "What for.", slug(&KNOWN_PURPOSES))
        .replace("scope", "Which fields are asked for.", scope())
        .patch("callbackUrl", "Where the outcome is sent.", callback_url())
        .replace("expiresIn", "Minutes from now until it expires.", minutes())
        .patch("metadata", "Whatever the client wants to find there again; replaced as a whole.", metadata())
        .example("longer", &json!({ "expiresIn": 120, "metadata": { "order": "18" } }));
    Operation::new((Method::PATCH, ONE), (TAG, "updateConsent"), "Update a pending consent session", session)
        .about("Changes the fields that are present. PUT and PATCH do the same.")
        .names("ConsentId")
        .takes(body)
        .versioned()
}

fn revoke() -> Operation {
    let session = ("Consent session revoked", Shown::one::<ConsentBody>());
    Operation::new((Method::DELETE, ONE), (TAG, "revokeConsent"), "Revoke a consent", session)
        .about("Withdraws a consent that is pending or approved. It stays to be seen, as `revoked` and without its claims.")
        .names("ConsentId")
        .versioned()
}

fn history() -> Operation {
    let page = ("Consent history", Shown::page_of::<Item>());
    Operation::new(
        (Method::GET, "/service/consents/{id}/history"),
        (TAG, "consentHistory"),
        "What happened to a consent",
        page,
    )
    .about("All its events, oldest first, each with what changed.")
    .names("ConsentId")
    .as_of()
}

fn evidence() -> Operation {
    let page = ("Consent evidence", Shown::page_of::<Evidence>());
    Operation::new(
        (Method::GET, "/service/consents/{id}/evidence"),
        (TAG, "consentEvidence"),
        "What proves the recipient's decisions",
        page,
    )
    .about("For each decision by passkey what a third party needs to verify it offline: the text that was shown, and the passkey's signature over it. Of a decision by one-time code there is no such proof.\n\nA person's passkey has one key, whichever client they decide for, and it can be computed from the signature even where it is not given. So clients that put such proofs together can find out that a `usr_` id of one and a `usr_` id of another are the same person. Ask for a proof where a decision has to be proved, and hand it to nobody else.")
    .names("ConsentId")
}

fn follow() -> Operation {
    let event = "event: status\nid: 1\ndata: {\"id\":\"cs_01kb0m2x9qe3r8s6t4v2w0y5zh\",\"status\":\"pending\",\"expiresAt\":\"2025-01-15T12:00:00Z\",\"scannedAt\":null,\"decidedAt\":null}\n\n";
    let content = json!({ "text/event-stream": { "schema": { "type": "string", "examples": [event] } } });
    Operation::new(
        (Method::GET, "/service/consents/{id}/events"),
        (TAG, "followConsent"),
        "Follow the status of a consent",
        ("Server-sent events", Shown::of(Value::Null)),
    )
    .about("Server-sent events: how it stands, then each change as it happens, as `status` events whose data is a `ConsentWatched`. `Last-Event-ID` goes on where a stream broke off. The stream ends with the lifecycle, or with the token.")
    .names("ConsentId")
    .instead(content)
    .or_nothing("Whoever asks knows all there is, and there will be no more.")
}

fn summary() -> Operation {
    let counts: serde_json::Map<_, _> = Status::ALL
        .iter()
        .map(|status| (status.as_str().to_owned(), json!({ "type": "integer", "minimum": 0 })))
        .collect();
    let data = json!({ "type": "object", "required": ["period", "total", "counts"], "properties": {
        "period": month(),
        "total": { "type": "integer", "minimum": 0 },
        "counts": { "type": "object", "required": Status::ALL.map(Status::as_str), "properties": counts },
    } });
    let data = ("Consent summary", Shown::of(data));
    Operation::new(
        (Method::GET, "/service/consents/summary"),
        (TAG, "summarizeConsents"),
        "Count consents by status",
        data,
    )
    .about("Those that were created in a month, by where they stand now.")
    .query("period", "The month, in UTC; this one if not said.", &month())
    .positioned()
}

fn month() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2025-01"] })
}
