//! What a client's endpoint hears of devices and logins.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::authenticator::{begin, complete, device_of, log_in};
use crate::support::receiver::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_of_devices_and_logins() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    assert_eq!(app.api.post("/v1/webhooks", &json!({ "url": receiver.url() })).await.status, 200);
    let (device, mut authenticator) = device_of(&app.api, "ann").await;
    let path = format!("/v1/devices/{device}");
    let registered = app.api.get(&path).await.data().clone();
    assert_eq!(log_in(&app.api, &mut authenticator, Some("ann")).await.status, 200);
    let never = json!({ "sessionId": "ses_01kb0m2x9qe3r8s6t4v2w0y5zh" });
    let credential = authenticator.get(&begin(&app.api, None).await["publicKey"]);
    assert_eq!(complete(&app.api, &never, &credential).await.status, 422);
    app.api.post(&format!("{path}/block"), &json!({ "reason": "Lost" })).await;
    let blocked = app.api.get(&path).await.data().clone();
    app.api.post(&format!("{path}/unblock"), &json!({})).await;
    app.api.delete(&path).await;
    let deregistered = app.api.get(&path).await.data().clone();
    // That it was used or unblocked is history, and nothing that anybody subscribes to.
    receiver.has_received(5).await;
    app.caught_up().await;
    let bodies: Vec<Value> =
        receiver.received().iter().map(|received| serde_json::from_str(&received.body).unwrap()).collect();
    assert_eq!(bodies.len(), 5, "{bodies:?}");
    let told = |event_type: &str| {
        let body = bodies.iter().find(|body| body["type"] == event_type).unwrap();
        assert_eq!(body["timestamp"], json!(app.clock().now()));
        body["data"].clone()
    };
    let with = |mut data: Value, sequence: i64| {
        data["sequence"] = json!(sequence);
        data
    };
    assert_eq!(told("device.registered"), with(registered, 1));
    assert_eq!(told("device.blocked"), with(blocked, 3));
    assert_eq!(told("device.deregistered"), with(deregistered, 5));
    let success = told("auth.success");
    assert!(success["id"].as_str().unwrap().starts_with("lgn_"));
    let expected = json!({ "id": success["id"], "verified": true, "userId": "ann", "deviceId": device,
        "userVerified": true, "reason": null, "at": app.clock().now(), "sequence": 1 });
    assert_eq!(success, expected);
    let failed = told("auth.failed");
    let expected = json!({ "id": failed["id"], "verified": false, "userId": null, "deviceId": null,
        "userVerified": null, "reason": "session_expired", "at": app.clock().now(), "sequence": 1 });
    assert_eq!(failed, expected);
}
