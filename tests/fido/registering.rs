//! A passkey becomes a device.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::failures::Spoil;
use crate::support::authenticator::{
    Authenticator, BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED, device_of, register,
};
use crate::support::{Api, Reply, TestApp, is_legible};

const BEGIN: &str = "/v1/auth/fido/register/begin";
const COMPLETE: &str = "/v1/auth/fido/register/complete";

pub async fn begin(api: &Api, user: &str) -> Value {
    let begun = api.post(BEGIN, &json!({ "userId": user })).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    begun.data().clone()
}

async fn complete(api: &Api, begun: &Value, credential: &Value) -> Reply {
    api.post(COMPLETE, &json!({ "sessionId": begun["sessionId"], "credential": credential })).await
}

fn reason(reply: &Reply) -> &str {
    assert_eq!((reply.status, &reply.body["type"]), (422, &json!("validation_error")), "{}", reply.text);
    reply.data()["reason"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_asked_for_a_passkey_that_verifies_its_user() {
    let app = TestApp::start().await;
    let body =
        json!({ "userId": "customer-4711", "userName": "ann@example.com", "displayName": "Ann Example" });
    let begun = app.api.post(BEGIN, &body).await;
    let options = &begun.data()["publicKey"];
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": "Owner" }));
    assert_eq!(
        (&options["user"]["name"], &options["user"]["displayName"]),
        (&json!("ann@example.com"), &json!("Ann Example"))
    );
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
    assert_eq!(options["excludeCredentials"], json!([]));
    assert_eq!(begun.data()["expiresAt"], json!(app.clock().now() + TimeDelta::minutes(5)));
    let bare = begin(&app.api, "customer-4712").await;
    let user = &bare["publicKey"]["user"];
    assert_eq!((&user["name"], &user["displayName"]), (&json!("customer-4712"), &json!("customer-4712")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_was_made_is_a_device_of_its_user() {
    let app = TestApp::start().await;
    let mut authenticator = Authenticator::at(&app.url(""));
    authenticator.flags = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP;
    let registered = register(&app.api, &mut authenticator, "customer-4711").await;
    assert_eq!((registered.status, registered.header("etag")), (200, "\"1\""), "{}", registered.text);
    let mut expected = json!({
        "userId": "customer-4711",
        "name": "Ann's phone",
        "status": "active",
        "aaguid": "07070707-0707-0707-0707-070707070707",
        "transports": ["internal", "hybrid"],
        "backupEligible": true,
        "backedUp": true,
        "signCount": 0,
        "registeredAt": app.clock().now(),
        "deviceId": registered.data()["deviceId"],
    });
    assert_eq!(registered.data(), &expected);
    let device = app.api.get(&format!("/v1/devices/{}", expected["deviceId"].as_str().unwrap())).await;
    expected["id"] = expected.as_object_mut().unwrap().remove("deviceId").unwrap();
    (expected["lastUsedAt"], expected["block"]) = (Value::Null, Value::Null);
    assert_eq!(device.data(), &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handle_of_a_user_is_the_same_for_all_of_their_passkeys_and_says_nothing() {
    let app = TestApp::start().await;
    let handle = async |api: &Api, user: &str| begin(api, user).await["publicKey"]["user"]["id"].clone();
    let ann = handle(&app.api, "ann").await;
    assert_eq!(handle(&app.api, "ann").await, ann);
    assert_ne!(handle(&app.api, "bob").await, ann);
    let other = app.other_client().await;
    give_party(&app, &other, "other.example").await;
    assert_ne!(handle(&other, "ann").await, ann, "nor do two clients know one by the same");
    assert!(!is_legible(app.pool(), ann.as_str().unwrap()).await);
}

/// Gives a client, found as the newest one, an RP id and an origin.
async fn give_party(app: &TestApp, client: &Api, domain: &str) {
    let id = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&format!("/v1/clients/{id}")).await.status, 200);
    let party = json!({ "rpId": domain, "origins": [format!("https://{domain}")] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{id}"), &party).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_not_asked_for_a_second_passkey_of_the_same_user() {
    let app = TestApp::start().await;
    let (device, authenticator) = device_of(&app.api, "ann").await;
    let excluded = async |user: &str| begin(&app.api, user).await["publicKey"]["excludeCredentials"].clone();
    let id = authenticator.get_id();
    assert_eq!(excluded("ann").await[0]["id"], id);
    assert_eq!(excluded("bob").await, json!([]));
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/block"), &json!({})).await.status, 200);
    assert_eq!(excluded("ann").await[0]["id"], id, "a blocked one is still there");
    assert_eq!(app.api.delete(&format!("/v1/devices/{device}")).await.status, 200);
    assert_eq!(excluded("ann").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_registered_once() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    for user in ["ann", "bob"] {
        let again = register(&app.api, &mut authenticator, user).await;
        assert_eq!(again.status, 409, "{}", again.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_completed_once_in_time_and_by_who_began_it() {
    let app = TestApp::start().await;
    let mut authenticator = Authenticator::at(&app.url(""));
    let begun = begin(&app.api, "ann").await;
    let credential = authenticator.create(&begun["publicKey"]);
    let other = app.other_client().await;
    give_party(&app, &other, "localhost").await;
    assert_eq!(reason(&complete(&other, &begun, &credential).await), "session_expired");
    assert_eq!(complete(&app.api, &begun, &credential).await.status, 200);
    assert_eq!(reason(&complete(&app.api, &begun, &credential).await), "session_expired");
    let late = begin(&app.api, "ann").await;
    let credential = Authenticator::at(&app.url("")).create(&late["publicKey"]);
    app.advance(TimeDelta::minutes(5));
    assert_eq!(reason(&complete(&app.api, &late, &credential).await), "session_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_one_kind_completes_no_other() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    let begun = begin(&app.api, "ann").await;
    let credential = authenticator.get(&begun["publicKey"]);
    let body = json!({ "sessionId": begun["sessionId"], "credential": credential });
    let reply = app.api.post("/v1/auth/fido/authenticate/complete", &body).await;
    assert_eq!(reason(&reply), "session_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_does_not_hold_says_why() {
    let app = TestApp::start().await;
    let cases: [(&str, Spoil); 4] = [
        ("origin_mismatch", |a| a.origin = "http://localhost:1".to_owned()),
        ("origin_mismatch", |a| a.cross_origin = true),
        ("rp_id_mismatch", |a| a.rp_id = "other.example".to_owned()),
        ("user_not_verified", |a| a.flags = USER_PRESENT),
    ];
    for (expected, spoil) in cases {
        let mut authenticator = Authenticator::at(&app.url(""));
        spoil(&mut authenticator);
        let reply = register(&app.api, &mut authenticator, "ann").await;
        assert_eq!(reason(&reply), expected);
    }
    let begun = begin(&app.api, "ann").await;
    let mut options = begun["publicKey"].clone();
    options["challenge"] = json!("AAAA");
    let credential = Authenticator::at(&app.url("")).create(&options);
    assert_eq!(reason(&complete(&app.api, &begun, &credential).await), "challenge_mismatch");
    let begun = begin(&app.api, "ann").await;
    let mut credential = Authenticator::at(&app.url("")).create(&begun["publicKey"]);
    credential["response"]["attestationObject"] = json!("oA");
    assert_eq!(reason(&complete(&app.api, &begun, &credential).await), "signature_invalid");
    assert_eq!(app.api.get("/v1/devices").await.data()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_domain_of_its_own_is_told_so() {
    let app = TestApp::start().await;
    let bare = app.other_client().await;
    let body = json!({ "userId": "ann" });
    for path in [BEGIN, "/v1/auth/fido/authenticate/begin"] {
        let reply = bare.post(path, &body).await;
        assert_eq!(reply.status, 409, "{}", reply.text);
        assert!(reply.text.contains("rpId"), "{}", reply.text);
    }
    // An origin elsewhere makes no relying party.
    let id = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let elsewhere = json!({ "rpId": "shop.example", "origins": ["https://other.example"] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{id}"), &elsewhere).await.status, 200);
    assert_eq!(bare.post(BEGIN, &body).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_personal_of_a_registration_is_legible_nowhere() {
    let app = TestApp::start().await;
    let body = json!({ "userId": "legible-reference", "userName": "legible-name", "displayName": "legible-display", "deviceName": "legible-device" });
    let begun = app.api.post(BEGIN, &body).await;
    for text in ["legible", begun.data()["publicKey"]["challenge"].as_str().unwrap()] {
        assert!(!is_legible(app.pool(), text).await, "{text}");
    }
    let credential = Authenticator::at(&app.url("")).create(&begun.data()["publicKey"]);
    assert_eq!(complete(&app.api, begun.data(), &credential).await.status, 200);
    app.caught_up().await;
    for text in ["legible", credential["id"].as_str().unwrap()] {
        assert!(!is_legible(app.pool(), text).await, "{text}");
    }
}
