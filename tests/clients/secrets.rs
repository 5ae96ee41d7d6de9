//! A new callback secret signs at once, and the old one along with it for a day.

use serde_json::json;

use super::{make, path};
use crate::support::TestApp;

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
