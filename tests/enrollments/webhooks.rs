//! What a client hears of its enrollments.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::enrollment;
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create_with};
use crate::support::receiver::Receiver;

async fn subscribed(app: &TestApp) -> Receiver {
    let receiver = Receiver::start().await;
    let types = ["enrollment.completed", "enrollment.failed", "enrollment.expired", "device.registered"];
    let made = app.api.post("/v1/webhooks", &json!({ "url": receiver.url(), "eventTypes": types })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    receiver
}

fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.received().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_and_a_completed_enrollment_are_told_with_the_resource() {
    let app = TestApp::start().await;
    let receiver = subscribed(&app).await;
    let callback = Receiver::start().await;
    let fields = json!({ "callbackUrl": callback.url(), "claims": { "tier": "gold" } });
    let id = create_with(&app.api, fields).await;
    Enrollee::new(&app.api).enroll(&app, &id).await;
    receiver.has_received(2).await;
    callback.has_received(1).await;
    let seen = enrollment(&app, &id).await;
    let told = bodies(&receiver);
    let device = told.iter().find(|body| body["type"] == "device.registered").unwrap();
    assert_eq!(device["data"]["id"], seen["deviceId"]);
    assert_eq!(device["data"]["userId"], seen["userId"]);
    let completed = told.iter().find(|body| body["type"] == "enrollment.completed").unwrap();
    assert_eq!(completed["data"]["id"], json!(id));
    assert_eq!(completed["data"]["status"], "completed");
    assert_eq!(completed["data"]["sequence"], 3);
    let expected = json!({ "sessionId": id, "status": "COMPLETED",
        "timestamp": app.clock().now().timestamp_millis(),
        "data": { "userId": seen["userId"], "deviceId": seen["deviceId"], "claims": { "tier": "gold" }, "sequence": 3 } });
    assert_eq!(bodies(&callback), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_that_expired_is_told() {
    let app = TestApp::start().await;
    let receiver = subscribed(&app).await;
    let callback = Receiver::start().await;
    let fields = json!({ "callbackUrl": callback.url(), "expiresIn": 1 });
    let id = create_with(&app.api, fields).await;
    app.caught_up().await;
    app.advance(TimeDelta::minutes(2));
    receiver.has_received(1).await;
    callback.has_received(1).await;
    assert_eq!(bodies(&receiver)[0]["type"], "enrollment.expired");
    assert_eq!(bodies(&receiver)[0]["data"]["status"], "expired");
    assert_eq!(bodies(&callback)[0]["status"], "EXPIRED");
    assert_eq!(bodies(&callback)[0]["sessionId"], json!(id));
}
