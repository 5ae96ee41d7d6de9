//! Examples of ceremonies name a session and a credential that nobody has: here they are made good.

use serde_json::{Value, json};

use crate::support::Api;
use crate::support::authenticator::{Authenticator, begin, device_of};
use crate::support::enrollee::Enrollee;

/// As in the examples.
const SESSION: &str = "ses_01kb0m2x9qe3r8s6t4v2w0y5zh";
const CREDENTIAL: &str = "AQID";

/// Puts a session and a credential where the examples' are; whoever is to log in has a device.
pub async fn make_good(api: &Api, path: &str, body: &mut Value) {
    match path {
        "/auth/fido/authenticate/begin" => {
            if let Some(user) = body["userId"].as_str().filter(|user| is_taken(user)) {
                device_of(api, user).await;
            }
        }
        "/auth/fido/register/complete" => {
            let begun = api.post("/v1/auth/fido/register/begin", &json!({ "userId": "ann" })).await;
            let credential = Authenticator::at(&api.url("")).create(&begun.data()["publicKey"]);
            replace(body, begun.data(), credential);
        }
        "/auth/fido/authenticate/complete" => {
            let (_, mut authenticator) = device_of(api, "ann").await;
            let begun = begin(api, None).await;
            let credential = authenticator.get(&begun["publicKey"]);
            replace(body, &begun, credential);
        }
        _ => {}
    }
}

/// The same for who verifies an enrollment.
pub async fn make_verification_good(api: &Api, id: &str, ann: &mut Enrollee, body: &mut Value) {
    let begun = api.post(&format!("/v1/enrollments/{id}/verify"), &json!({})).await;
    let credential = ann.authenticator.get(&begun.data()["publicKey"]);
    replace(body, begun.data(), credential);
}

fn is_taken(user: &str) -> bool {
    (1..=255).contains(&user.chars().count()) && !user.contains(char::is_control)
}

fn replace(body: &mut Value, begun: &Value, credential: Value) {
    if body["sessionId"] == SESSION {
        body["sessionId"] = begun["sessionId"].clone();
    }
    if body["credential"]["id"] == CREDENTIAL {
        body["credential"] = credential;
    }
}
