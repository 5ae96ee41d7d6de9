//! The FIDO routes, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::authenticate_begin::Body as Authentication;
use super::authenticate_complete::Body as Login;
use super::register_begin::Body as Registration;
use super::register_complete::Body as Device;
use super::values::{MAX_DEVICE_NAME, MAX_NAME, MAX_USER_ID};
use crate::openapi::body::Body;
use crate::openapi::ceremonies::{authentication_response, registration_response};
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::{id, text};

const TAG: &str = "FIDO";
/// A `sessionId` as an example.
const SESSION: &str = "ses_01kb0m2x9qe3r8s6t4v2w0y5zh";

pub fn operations() -> Vec<Operation> {
    vec![register_begin(), register_complete(), authenticate_begin(), authenticate_complete()]
}

fn named(max: usize, example: &str) -> Value {
    let mut named = text(1, max);
    named["examples"] = json!([example]);
    named
}

fn register_begin() -> Operation {
    let body = Body::new("FidoRegistrationWanted")
        .required("userId", "What the client calls its user.", named(MAX_USER_ID, "customer-4711"))
        .optional("userName", "Shown by the authenticator; `userId` if not said.", named(MAX_NAME, "ann@example.com"))
        .optional("displayName", "Shown by the authenticator; `userName` if not said.", named(MAX_NAME, "Ann Example"))
        .optional("deviceName", "What to call the device.", named(MAX_DEVICE_NAME, "Ann's phone"))
        .example("ann", &json!({ "userId": "customer-4711", "userName": "ann@example.com", "displayName": "Ann Example", "deviceName": "Ann's phone" }));
    let route = (Method::POST, "/auth/fido/register/begin");
    Operation::new(route, (TAG, "beginRegistration"), "Begin to register a passkey", ("Registration begun", Shown::one::<Registration>()))
        .about("For the client's own `rpId` and `origins`: without them this is a 409. The session is good once, for five minutes, on any instance, for the client that began it.")
        .takes(body)
}

fn register_complete() -> Operation {
    let body = Body::new("FidoRegistrationAnswer")
        .required("sessionId", "Of what was begun.", id("ses_"))
        .required(
            "credential",
            "What `navigator.credentials.create()` answered: its `toJSON()`.",
            registration_response(),
        )
        .example(
            "made",
            &json!({ "sessionId": SESSION, "credential": registration_response()["examples"][0] }),
        );
    let route = (Method::POST, "/auth/fido/register/complete");
    Operation::new(route, (TAG, "completeRegistration"), "Complete the registration of a passkey", ("Device registered", Shown::one::<Device>()))
        .about("A registration that does not hold is a 422 with `data.reason`; a credential that is registered already a 409.")
        .takes(body)
        .versioned()
}

fn authenticate_begin() -> Operation {
    let body = Body::optional_as_a_whole("FidoAuthenticationWanted")
        .optional(
            "userId",
            "What the client calls its user; if not said, whoever is at the device chooses.",
            named(MAX_USER_ID, "customer-4711"),
        )
        .example("discoverable", &json!({}))
        .example("ann", &json!({ "userId": "customer-4711" }));
    let route = (Method::POST, "/auth/fido/authenticate/begin");
    Operation::new(route, (TAG, "beginAuthentication"), "Begin a login by passkey", ("Authentication begun", Shown::one::<Authentication>()))
        .about("The session is good once, for five minutes, on any instance, for the client that began it. A user without an active device is a 422 (`no_active_device`).")
        .takes(body)
}

fn authenticate_complete() -> Operation {
    let body = Body::new("FidoAuthenticationAnswer")
        .required("sessionId", "Of what was begun.", id("ses_"))
        .required(
            "credential",
            "What `navigator.credentials.get()` answered: its `toJSON()`.",
            authentication_response(),
        )
        .example(
            "shown",
            &json!({ "sessionId": SESSION, "credential": authentication_response()["examples"][0] }),
        );
    let route = (Method::POST, "/auth/fido/authenticate/complete");
    Operation::new(route, (TAG, "completeAuthentication"), "Complete a login by passkey", ("Authentication verified", Shown::one::<Login>()))
        .about("Recorded as `auth.success`. A login that fails is a 422 with `data.reason`, recorded as `auth.failed`; a signature counter that went back also blocks the device.")
        .takes(body)
}
