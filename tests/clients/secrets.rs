//! A new callback secret signs at once, and the old one along with it for a day.

use chrono::TimeDelta;
use serde_json::json;

use super::{make, path};
use crate::support::receiver::{Received, Receiver};
use crate::support::{Reply, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_rotates_its_own_callback_secret() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({})).await;
    let rotated = itself.post(&format!("{}/rotate-callback-secret", path(&made)), &json!({})).await;
    assert_eq!((rotated.status, rotated.header("etag")), (200, "\"2\""), "{}", rotated.text);
    let (old, new) = (&made.data()["callbackSecret"], &rotated.data()["callbackSecret"]);
    assert!(new.as_str().unwrap().starts_with("whsec_") && old != new);
    assert!(itself.get(&path(&made)).await.data().get("callbackSecret").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_for_a_day_and_then_the_new_one_alone() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let (made, itself) = make(&app, json!({})).await;
    let secret = |reply: &Reply| reply.data()["callbackSecret"].as_str().unwrap().to_owned();
    let rotated = itself.post(&format!("{}/rotate-callback-secret", path(&made)), &json!({})).await;
    let (old, new) = (secret(&made), secret(&rotated));
    let told = async |count: usize| {
        let body = json!({ "recipient": "+1234567890", "purpose": "login", "callbackUrl": receiver.url() });
        let id = itself.post("/v1/service/consents", &body).await.id();
        assert_eq!(itself.delete(&format!("/v1/service/consents/{id}")).await.status, 200);
        receiver.has_received(count).await;
        receiver.received().remove(count - 1)
    };
    app.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    let within = told(1).await;
    assert_eq!(verified_by(&within, &[&old, &new]), [true, true]);
    assert_eq!(within.headers["webhook-signature"].split(' ').count(), 2);
    app.advance(TimeDelta::milliseconds(1));
    let after = told(2).await;
    assert_eq!(verified_by(&after, &[&old, &new]), [false, true]);
}

fn verified_by(received: &Received, secrets: &[&str]) -> Vec<bool> {
    let id = received.id();
    let (timestamp, body) = (&received.headers["webhook-timestamp"], &received.body);
    let timestamp = timestamp.parse().unwrap();
    let signatures: Vec<_> = received.headers["webhook-signature"].split(' ').collect();
    let signs = |secret: &&str| {
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        signatures.contains(&webhook.sign(id, timestamp, body.as_bytes()).unwrap().as_str())
    };
    secrets.iter().map(signs).collect()
}
