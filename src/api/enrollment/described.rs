//! The routes of enrollments, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::create::{DEFAULT_MINUTES, MAX_MINUTES};
use super::values::{MAX_CLAIM_KEY, MAX_CLAIM_VALUE, MAX_CLAIMS, MAX_DISPLAY_NAME};
use super::verify::Begun;
use crate::openapi::body::Body;
use crate::openapi::ceremonies::authentication_response;
use crate::openapi::events;
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::{
    PLAIN, callback_url, enrollment_statuses, handle, id, integer, return_url, text,
};
use crate::presentation::enrollment::EnrollmentBody;

const ALL: &str = "/enrollments";
const ONE: &str = "/enrollments/{id}";
const TAG: &str = "Enrollments";
/// A `sessionId` as an example.
const SESSION: &str = "ses_01kb0m2x9qe3r8s6t4v2w0y5zh";

pub fn operations() -> Vec<Operation> {
    vec![list_all(), create(), retrieve(), cancel(), verify()]
}

fn enrollment(message: &'static str) -> (&'static str, Shown) {
    (message, Shown::one::<EnrollmentBody>())
}

fn create() -> Operation {
    let mut name = text(1, MAX_DISPLAY_NAME);
    name["examples"] = json!(["Ann Example"]);
    let body = Body::new("NewEnrollment")
        .required("recipient", "Who is asked: a phone number or an email address.", handle())
        .optional("displayName", "What the client calls them; the page shows it.", name)
        .optional("claims", "What the client knows of them, by name of the field; the page shows it.", claims())
        .optional("callbackUrl", "Where the outcome is sent: https (http to loopback), at one of the client's `callbackHosts` where it has any.", callback_url())
        .optional("returnUrl", "Where the page leads the recipient afterwards: on one of the client's `origins`.", return_url())
        .optional("expiresIn", &format!("Minutes until it expires; {DEFAULT_MINUTES} if not said."), integer(1, MAX_MINUTES))
        .example("short", &json!({ "recipient": "+1234567890" }))
        .example("full", &json!({ "recipient": "ann@example.com", "displayName": "Ann Example",
            "claims": { "name": "Ann Example" }, "callbackUrl": "https://yourapp.com/callback", "expiresIn": 60 }));
    Operation::new((Method::POST, ALL), (TAG, "createEnrollment"), "Create an enrollment", enrollment("Enrollment created"))
        .about("Asks a person to register a passkey on the page at `url`: they prove the handle with a one-time code, create the passkey and use it once. What came of it is told by webhooks, by the `callbackUrl` and by `GET`.")
        .takes(body)
        .versioned()
        .leads_to(&["retrieveEnrollment", "cancelEnrollment"])
        .calls_back(events::enrollment_callbacks())
}

fn claims() -> Value {
    let value = json!({ "type": "string", "maxLength": MAX_CLAIM_VALUE, "pattern": PLAIN });
    let name = json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "minLength": 1, "maxLength": MAX_CLAIM_KEY });
    json!({ "type": "object", "maxProperties": MAX_CLAIMS, "propertyNames": name,
        "additionalProperties": value, "examples": [{ "name": "Ann Example" }] })
}

fn list_all() -> Operation {
    let page = ("Enrollments", Shown::page_of::<EnrollmentBody>());
    Operation::new((Method::GET, ALL), (TAG, "listEnrollments"), "List enrollments", page)
        .about("Newest first.")
        .query("status", "Only those that are so.", &enrollment_statuses())
        .query("recipient", "Only those of this person.", &handle())
        .paged()
        .positioned()
}

fn retrieve() -> Operation {
    let shown = enrollment("Enrollment");
    Operation::new((Method::GET, ONE), (TAG, "retrieveEnrollment"), "Retrieve an enrollment", shown)
        .about("As it is, or as it was (`asOf`).")
        .names("EnrollmentId")
        .as_of()
        .versioned()
}

fn cancel() -> Operation {
    let shown = enrollment("Enrollment cancelled");
    Operation::new((Method::DELETE, ONE), (TAG, "cancelEnrollment"), "Cancel an enrollment", shown)
        .about("Takes back an enrollment that is `pending` or `device_registered`. It stays to be seen.")
        .names("EnrollmentId")
        .versioned()
}

fn verify() -> Operation {
    let body = Body::optional_as_a_whole("EnrollmentVerificationStep")
        .replace("sessionId", "Of the answer without a `credential`.", id("ses_"))
        .replace(
            "credential",
            "What `navigator.credentials.get()` answered: its `toJSON()`.",
            authentication_response(),
        )
        .example("begin", &json!({}))
        .example(
            "complete",
            &json!({ "sessionId": SESSION, "credential": authentication_response()["examples"][0] }),
        );
    let mut shown = Shown::one::<Begun>();
    let completed = Shown::one::<EnrollmentBody>();
    shown.schema = json!({ "anyOf": [shown.schema, completed.schema] });
    shown.named.extend(completed.named);
    Operation::new(
        (Method::POST, "/enrollments/{id}/verify"),
        (TAG, "verifyEnrollment"),
        "Verify the passkey of an enrollment",
        ("Verification begun", shown),
    )
    .about("For an app that is associated with the hosted pages' RP id; the hosted page does the same by itself. Without a `credential` it answers what to ask the passkey; with `sessionId` and `credential` it completes the enrollment. A session is good once, for five minutes. An answer that is not good is a 422 with `data.reason`; the fifth fails the enrollment.")
    .names("EnrollmentId")
    .takes(body)
}
