//! What a client does with an authenticator: registers its passkey and logs in with it.

mod software;

use serde_json::{Value, json};

use super::{Api, Reply};
pub use software::{Authenticator, BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED};

/// Begins and completes a registration; the answer to completing it.
pub async fn register(api: &Api, authenticator: &mut Authenticator, user: &str) -> Reply {
    let body = json!({ "userId": user, "userName": "ann@example.com", "deviceName": "Ann's phone" });
    let begun = api.post("/v1/auth/fido/register/begin", &body).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let credential = authenticator.create(&begun.data()["publicKey"]);
    let body = json!({ "sessionId": begun.data()["sessionId"], "credential": credential });
    api.post("/v1/auth/fido/register/complete", &body).await
}

/// The id of a new device of this user's, with the authenticator that holds its passkey.
pub async fn device_of(api: &Api, user: &str) -> (String, Authenticator) {
    let mut authenticator = Authenticator::at(&api.url(""));
    let registered = register(api, &mut authenticator, user).await;
    assert_eq!(registered.status, 200, "{}", registered.text);
    (registered.data()["deviceId"].as_str().unwrap().to_owned(), authenticator)
}

/// Begins a login, of this user or of whoever is at the device.
pub async fn begin(api: &Api, user: Option<&str>) -> Value {
    let begun = api.post("/v1/auth/fido/authenticate/begin", &json!({ "userId": user })).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    begun.data().clone()
}

/// Completes a login that was begun.
pub async fn complete(api: &Api, begun: &Value, credential: &Value) -> Reply {
    let body = json!({ "sessionId": begun["sessionId"], "credential": credential });
    api.post("/v1/auth/fido/authenticate/complete", &body).await
}

/// Begins and completes a login.
pub async fn log_in(api: &Api, authenticator: &mut Authenticator, user: Option<&str>) -> Reply {
    let begun = begin(api, user).await;
    let credential = authenticator.get(&begun["publicKey"]);
    complete(api, &begun, &credential).await
}
