//! `/v1/webhooks` as its consumers use it.

use mobid_domain::client::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use super::register;
use crate::support::{Reply, TestApp};

const URL: &str = "https://example.com/hook";

/// The body without what differs from request to request.
fn alike(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    body["requestId"] = Value::Null;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_created_with_a_secret_that_is_shown_once() {
    let app = TestApp::start().await;
    let body = json!({ "url": URL, "eventTypes": ["consent.approved"], "description": "Ours" });
    let created = app.api.post("/v1/webhooks", &body).await;
    assert_eq!((created.status, created.header("etag")), (200, "\"1\""), "{}", created.body);
    let data = created.data();
    let id = data["id"].as_str().unwrap();
    assert!(id.starts_with("we_"), "{id}");
    assert!(data["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(data["url"], URL);
    assert_eq!(data["eventTypes"], json!(["consent.approved"]));
    assert_eq!(data["description"], "Ours");
    assert_eq!(data["status"], "active");
    assert_eq!(data["createdAt"], data["updatedAt"]);

    let mut shown = data.clone();
    shown.as_object_mut().unwrap().remove("secret");
    let retrieved = app.api.get(&format!("/v1/webhooks/{id}")).await;
    assert_eq!((retrieved.header("etag"), retrieved.data()), ("\"1\"", &shown));
    let listed = app.api.get("/v1/webhooks").await;
    assert_eq!(listed.data(), &json!({ "items": [shown], "nextCursor": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_endpoint_is_stored_in_the_clear() {
    let app = TestApp::start().await;
    let body = json!({ "url": URL, "description": "Ours alone" });
    let created = app.api.post("/v1/webhooks", &body).await;
    app.caught_up().await;
    let log = "select string_agg(payload::text || metadata::text, '') from events";
    let rows = "select string_agg(state::text, '') from webhook_endpoints";
    for sql in [log, rows] {
        let text: String = sqlx::query_scalar(sql).fetch_one(app.pool()).await.unwrap();
        for secret in [URL, "Ours alone", created.data()["secret"].as_str().unwrap()] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_is_named_with_its_code() {
    let app = TestApp::start().await;
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    // This server may deliver to private addresses, so http is good for every host.
    for url in
        ["", "example.com", "ftp://example.com", "https://a:b@example.com", "https://example.com/#x", &long]
    {
        let reply = app.api.post("/v1/webhooks", &json!({ "url": url })).await;
        assert_eq!((reply.status, reply.errors()), (422, vec!["url:invalid_url".to_owned()]), "{url}");
    }
    for event_types in
        [json!("consent.created"), json!(["consent.scanned"]), json!(["auth.failed", "auth.failed"])]
    {
        let reply = app.api.post("/v1/webhooks", &json!({ "url": URL, "eventTypes": event_types })).await;
        assert_eq!(reply.errors(), ["eventTypes:invalid_event_types"], "{event_types}");
    }
    for description in [json!("x".repeat(501)), json!(7), json!("a\u{0}b")] {
        let reply = app.api.post("/v1/webhooks", &json!({ "url": URL, "description": description })).await;
        assert_eq!(reply.errors(), ["description:invalid_description"]);
    }
    let reply = app.api.post("/v1/webhooks", &json!({ "eventTypes": 1, "secret": "whsec_" })).await;
    let expected = ["url:required", "secret:unknown_field", "eventTypes:invalid_event_types"];
    assert_eq!((reply.status, reply.errors()), (400, expected.map(str::to_owned).to_vec()));
    assert_eq!(app.api.get("/v1/webhooks").await.data()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_for_this_machine_unless_private_addresses_are_allowed() {
    let app = TestApp::start_with(|config| config.webhook_allow_private = false).await;
    let status = async |url: &str| app.api.post("/v1/webhooks", &json!({ "url": url })).await.status;
    assert_eq!(status("http://example.com/").await, 422);
    assert_eq!(status("http://10.0.0.1/").await, 422);
    assert_eq!(status("http://localhost:9090/").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_gets_the_same_secret() {
    let app = TestApp::start().await;
    let create = async || {
        let request = app.api.request(Method::POST, "/v1/webhooks").header("Idempotency-Key", "once");
        Reply::of(request.json(&json!({ "url": URL }))).await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((first.body, first.headers["etag"].clone()), (again.body, again.headers["etag"].clone()));
    assert_eq!(app.api.get("/v1/webhooks").await.data()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_endpoint_is_gone_but_for_its_past() {
    let app = TestApp::start().await;
    let (id, _) = register(&app.api, URL, &[]).await;
    let path = format!("/v1/webhooks/{id}");
    let stale = app.api.request(Method::DELETE, &path).header("If-Match", "\"2\"");
    assert_eq!(Reply::of(stale).await.status, 409);
    let before = app.clock().now();
    app.advance(chrono::TimeDelta::seconds(1));
    let deleted = Reply::of(app.api.request(Method::DELETE, &path).header("If-Match", "\"1\"")).await;
    assert_eq!((deleted.status, &deleted.data()["status"]), (200, &json!("deleted")));
    assert_eq!(app.api.get(&path).await.status, 404);
    assert_eq!(app.api.delete(&path).await.status, 404);
    assert_eq!(app.api.get("/v1/webhooks").await.data()["items"], json!([]));
    let position =
        sqlx::query_scalar::<_, i64>("select max(position) from events").fetch_one(app.pool()).await;
    let position = position.unwrap();
    let as_it_was = app.api.get(&format!("{path}?asOf={}", position - 1)).await;
    assert_eq!((as_it_was.status, &as_it_was.data()["status"]), (200, &json!("active")), "{before}");
    assert_eq!(app.api.get(&format!("{path}?asOf={position}")).await.status, 404);
    assert_eq!(app.api.get(&format!("{path}?asOf=0")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clients_endpoint_is_like_one_that_never_was() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let (id, _) = register(&app.api, URL, &[]).await;
    let theirs = format!("/v1/webhooks/{id}");
    let never = format!("/v1/webhooks/{}", mobid_domain::id::EndpointId(mobid::ids::new_id()));
    for path in [&theirs, &never, &format!("{theirs}?asOf=1"), &"/v1/webhooks/we_x".to_owned()] {
        assert_eq!(alike(&other.get(path).await), alike(&other.get(&never).await));
        assert_eq!(other.get(path).await.status, 404);
    }
    for if_match in ["\"1\"", "\"9\"", "*"] {
        let delete = |path: &str| other.request(Method::DELETE, path).header("If-Match", if_match);
        assert_eq!(alike(&Reply::of(delete(&theirs)).await), alike(&Reply::of(delete(&never)).await));
    }
    assert_eq!(other.get("/v1/webhooks").await.data()["items"], json!([]));
    assert_eq!(app.api.get(&theirs).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_writing_need_their_permissions() {
    let app = TestApp::start().await;
    let reader = app.client_with(&[Permission::WebhooksRead]).await;
    let writer = app.client_with(&[Permission::WebhooksWrite]).await;
    assert_eq!(reader.get("/v1/webhooks").await.status, 200);
    assert_eq!(reader.get("/v1/webhooks/event-types").await.status, 200);
    assert_eq!(reader.post("/v1/webhooks", &json!({ "url": URL })).await.status, 403);
    let (id, _) = register(&writer, URL, &[]).await;
    let path = format!("/v1/webhooks/{id}");
    assert_eq!(writer.get("/v1/webhooks").await.status, 403);
    assert_eq!(writer.get(&path).await.status, 403);
    assert_eq!(reader.delete(&path).await.status, 403);
    assert_eq!(writer.delete(&path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_it_stopped() {
    let app = TestApp::start().await;
    let mut ids = vec![];
    for n in 0..5 {
        ids.insert(0, register(&app.api, &format!("{URL}/{n}"), &[]).await.0);
    }
    let (mut listed, mut path) = (vec![], "/v1/webhooks?limit=2".to_owned());
    loop {
        let page = app.api.get(&path).await;
        let items = page.data()["items"].as_array().unwrap();
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.data()["nextCursor"].as_str() else { break };
        path = format!("/v1/webhooks?limit=2&cursor={cursor}");
    }
    assert_eq!(listed, ids);
    for query in ["limit=0", "limit=101", "cursor=x", "status=active"] {
        assert_eq!(app.api.get(&format!("/v1/webhooks?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_types_are_those_of_the_contract() {
    let app = TestApp::start().await;
    let reply = app.api.get("/v1/webhooks/event-types").await;
    let items = reply.data()["items"].as_array().unwrap();
    let types: Vec<_> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(types.len(), 22);
    for event_type in
        ["consent.created", "auth.success", "device.deregistered", "mandate.signed", "webhook.test"]
    {
        assert!(types.contains(&event_type), "{event_type}");
    }
    assert!(items.iter().all(|item| !item["description"].as_str().unwrap().is_empty()));
}
