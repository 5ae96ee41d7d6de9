//! The routes of QR codes, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::evidence::Item;
use super::generate::{MAX_LOGIN_MINUTES, MAX_MINUTES, TYPES, USUAL_LOGIN_MINUTES};
use super::image::{LARGEST, SMALLEST, USUAL};
use crate::openapi::body::Body;
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::{integer, one_of};
use crate::presentation::qr::{QrBody, QrCodeWatched};

const ONE: &str = "/qr/{id}";
const TAG: &str = "QR codes";

pub fn operations() -> Vec<Operation> {
    vec![generate(), retrieve(), image(), evidence()]
}

fn generate() -> Operation {
    let code = ("QR code generated", Shown::one::<QrBody>());
    Operation::new((Method::POST, "/qr/generate"), (TAG, "generateQrCode"), "Generate a QR code", code)
        .about(
            "A code that leads whoever scans it to the page of a consent or an enrollment, or logs them in, and says that somebody came. A login's `matchingNumber` is for the page that shows the code, beside it: whoever scans the code enters the number there, and then uses a passkey of the hosted pages. Three wrong numbers end the code. The number keeps out who sent somebody a code; it cannot keep out a page that shows both.",
        )
        .takes(new_code())
        .versioned()
        .leads_to(&["retrieveQrCode", "qrCodeImage"])
}

fn new_code() -> Body {
    let example =
        json!({ "type": "consent", "referenceId": "cs_01kb0m2x9qe3r8s6t4v2w0y5zh", "expiresIn": 10 });
    let login = json!({ "type": "login" });
    let reference = json!({ "type": "string", "pattern": "^(cs|enr)_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        "examples": ["cs_01kb0m2x9qe3r8s6t4v2w0y5zh"] });
    let lasts = format!(
        "Minutes until it cannot be scanned any more; as long as what it refers to waits if not said, and never longer. A login's, by which it has to be done: at most {MAX_LOGIN_MINUTES}, {USUAL_LOGIN_MINUTES} if not said."
    );
    let needs_reference = json!([
        { "properties": { "type": { "enum": ["login"] }, "expiresIn": { "anyOf": [{ "type": "null" }, { "maximum": MAX_LOGIN_MINUTES }] } }, "not": { "required": ["referenceId"] } },
        { "properties": { "type": { "enum": ["consent", "enrollment"] } }, "required": ["referenceId"] },
    ]);
    Body::new("NewQrCode")
        .required("type", "What it is to lead to.", one_of(&TYPES))
        .replace(
            "referenceId",
            "A consent of the client's that still waits for its decision, or an enrollment of the client's that is not complete. Not for a login.",
            reference,
        )
        .optional("expiresIn", &lasts, integer(1, MAX_MINUTES))
        .where_any_of(needs_reference)
        .example("consent", &example)
        .example("login", &login)
}

fn retrieve() -> Operation {
    let (whole, watched) = (Shown::one::<QrBody>(), Shown::one::<QrCodeWatched>());
    let schema = json!({ "anyOf": [whole.schema, watched.schema] });
    let shown = Shown { schema, named: [whole.named, watched.named].concat() };
    Operation::new((Method::GET, ONE), (TAG, "retrieveQrCode"), "Retrieve a QR code", ("QR code", shown))
        .about("As it is, as it was (`asOf`), or once its status changes (`wait`); not both. With a watch token the status alone, as it is now.")
        .names("QrId")
        .as_of()
        .query("wait", "Seconds to wait for another status before answering.", &integer(0, 30))
        .versioned()
}

fn image() -> Operation {
    let picture = |text: &str| json!({ "schema": { "type": "string", "description": text } });
    let content = json!({ "image/png": picture("Black on white, with a quiet zone."), "image/svg+xml": picture("The same.") });
    let mut size = integer(i64::from(SMALLEST), i64::from(LARGEST));
    size["default"] = json!(USUAL);
    let mut level = one_of(&["L", "M", "Q", "H"]);
    level["default"] = json!("M");
    Operation::new(
        (Method::GET, "/qr/{id}/image"),
        (TAG, "qrCodeImage"),
        "The picture of a QR code",
        ("The picture", Shown::of(Value::Null)),
    )
    .about("As `format` says, or else as `Accept` does; PNG where neither does.")
    .names("QrId")
    .query("format", "Which kind of picture.", &one_of(&["png", "svg"]))
    .query("size", "Pixels along a side.", &size)
    .query("ecc", "How much of it may be lost: 7, 15, 25 or 30 %.", &level)
    .instead(content)
}

fn evidence() -> Operation {
    let page = ("QR code evidence", Shown::page_of::<Item>());
    Operation::new((Method::GET, "/qr/{id}/evidence"), (TAG, "qrCodeEvidence"), "What proves a login", page)
        .about("Of a login by which somebody logged in, what a third party needs to verify it offline: the text that was shown, which says where, by which code and number and until when, and the passkey's signature over it. Nothing of other codes.\n\nA person's passkey has one key, whichever client they log in to: so clients that put such proofs together can find out that a `usr_` id of one and a `usr_` id of another are the same person. Hand it to nobody else.")
        .names("QrId")
}
