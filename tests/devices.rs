//! Devices over HTTP, by those who registered them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::authenticator::{device_of, log_in};
use crate::support::{Reply, TestApp, is_legible};

async fn post(app: &TestApp, id: &str, verb: &str, body: Value) -> Reply {
    app.api.post(&format!("/v1/devices/{id}/{verb}"), &body).await
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let reply = app.api.get(&format!("/v1/devices{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let items = reply.data()["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let mut made = vec![];
    for n in 0..5 {
        made.push(device_of(&app.api, &format!("user-{n}")).await.0);
        app.advance(TimeDelta::seconds(1));
    }
    made.reverse();
    assert_eq!(ids(&app, "").await, made);
    let mut found = vec![];
    let mut query = "?limit=2".to_owned();
    loop {
        found.extend(ids(&app, &query).await);
        let page = app.api.get(&format!("/v1/devices{query}")).await;
        let Some(next) = page.data()["nextCursor"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(found, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_to_a_user_and_a_status() {
    let app = TestApp::start().await;
    let (anns, _) = device_of(&app.api, "ann").await;
    let (blocked, _) = device_of(&app.api, "ann").await;
    let (bobs, _) = device_of(&app.api, "bob").await;
    let (gone, _) = device_of(&app.api, "bob").await;
    assert_eq!(post(&app, &blocked, "block", json!({})).await.status, 200);
    assert_eq!(app.api.delete(&format!("/v1/devices/{gone}")).await.status, 200);
    assert_eq!(ids(&app, "?userId=ann").await, [blocked.clone(), anns.clone()]);
    assert_eq!(ids(&app, "?status=active").await, [bobs, anns.clone()]);
    assert_eq!(ids(&app, "?status=deregistered").await, [gone]);
    assert_eq!(ids(&app, "?status=blocked&userId=ann").await, [blocked]);
    assert_eq!(ids(&app, "?status=active&userId=ann").await, [anns]);
    assert_eq!(ids(&app, "?userId=nobody").await, Vec::<String>::new());
    assert_eq!(app.api.get("/v1/devices?status=gone").await.status, 400);
    assert_eq!(app.api.get("/v1/devices?userId=").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_blocked_with_a_reason_and_unblocked_again() {
    let app = TestApp::start().await;
    let (id, _) = device_of(&app.api, "ann").await;
    let blocked = post(&app, &id, "block", json!({ "reason": "legible-reason" })).await;
    assert_eq!((blocked.status, blocked.header("etag")), (200, "\"2\""), "{}", blocked.text);
    let block = json!({ "because": "requested", "reason": "legible-reason", "at": app.clock().now() });
    assert_eq!((&blocked.data()["status"], &blocked.data()["block"]), (&json!("blocked"), &block));
    assert!(!is_legible(app.pool(), "legible-reason").await);
    let again = post(&app, &id, "block", json!({ "reason": "Another" })).await;
    assert_eq!((again.status, again.data()), (200, blocked.data()), "it is blocked already");
    let unblocked = post(&app, &id, "unblock", json!({})).await;
    assert_eq!((unblocked.status, unblocked.header("etag")), (200, "\"3\""), "{}", unblocked.text);
    assert_eq!((&unblocked.data()["status"], &unblocked.data()["block"]), (&json!("active"), &Value::Null));
    assert_eq!(post(&app, &id, "unblock", json!({})).await.header("etag"), "\"3\"");
    let request = app.api.request(reqwest::Method::POST, &format!("/v1/devices/{id}/block"));
    assert_eq!(Reply::of(request).await.status, 200, "it needs no body");
    for (verb, body) in [("block", json!({ "reason": "" })), ("block", json!({ "reason": 1 }))] {
        assert_eq!(post(&app, &id, verb, body).await.errors(), ["reason:invalid_reason"]);
    }
    assert_eq!(post(&app, &id, "unblock", json!({ "reason": "x" })).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deregistered_device_is_still_to_be_seen_and_never_comes_back() {
    let app = TestApp::start().await;
    let (id, _) = device_of(&app.api, "ann").await;
    let path = format!("/v1/devices/{id}");
    for _ in 0..2 {
        let gone = app.api.delete(&path).await;
        assert_eq!((gone.status, gone.header("etag")), (200, "\"2\""), "{}", gone.text);
        assert_eq!(gone.data()["status"], "deregistered");
    }
    assert_eq!(app.api.get(&path).await.data()["status"], "deregistered");
    for verb in ["block", "unblock"] {
        let reply = post(&app, &id, verb, json!({})).await;
        assert_eq!((reply.status, &reply.data()["status"]), (409, &json!("deregistered")), "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_deregistered_only_as_it_was_read() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    let path = format!("/v1/devices/{id}");
    let read = app.api.get(&path).await;
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    let delete = |etag: &str| {
        let request = app.api.request(reqwest::Method::DELETE, &path).header("If-Match", etag);
        Reply::of(request)
    };
    let stale = delete(read.header("etag")).await;
    assert_eq!((stale.status, &stale.data()["etag"]), (409, &json!("\"2\"")), "{}", stale.text);
    assert_eq!(app.api.get(&path).await.data()["status"], "active");
    assert_eq!(delete("\"2\"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_shows_as_it_was() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    let path = format!("/v1/devices/{id}");
    let head: i64 =
        sqlx::query_scalar("select max(position) from events").fetch_one(app.pool()).await.unwrap();
    assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    assert_eq!(app.api.delete(&path).await.status, 200);
    let then = app.api.get(&format!("{path}?asOf={head}")).await;
    assert_eq!((&then.data()["status"], &then.data()["signCount"]), (&json!("active"), &json!(0)));
    assert_eq!(then.data()["lastUsedAt"], Value::Null);
    assert_eq!(app.api.get(&format!("{path}?asOf={}", head - 1)).await.status, 404);
}

/// Whether or not the read model is there: what one instance acknowledged any other shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_as_it_was_acknowledged_on_every_instance() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for n in 0..5 {
        let (id, mut authenticator) = device_of(&app.api, "ann").await;
        let path = format!("/v1/devices/{id}");
        assert_eq!(twin.api.get(&path).await.data()["signCount"], 0);
        assert_eq!(log_in(&twin.api, &mut authenticator, Some("ann")).await.status, 200);
        assert_eq!(app.api.get(&path).await.data()["signCount"], 1);
        let listed = twin.api.get("/v1/devices?userId=ann").await;
        assert_eq!(listed.data()["items"].as_array().unwrap().len(), n + 1);
    }
}
