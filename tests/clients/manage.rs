//! Making, reading, changing and deleting clients.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{make, path, status};
use crate::support::receiver::Receiver;
use crate::support::{Api, Reply, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_with_secrets_that_are_shown_once() {
    let app = TestApp::start().await;
    let body = json!({
        "name": "Example & Co", "plan": "growth", "permissions": ["webhooks:read", "consents:read"],
        "rpId": "login.example.com", "origins": ["https://login.example.com"], "callbackHosts": ["example.com"],
    });
    let made = app.api.post("/v1/clients", &body).await;
    assert_eq!((made.status, made.header("etag")), (200, "\"1\""), "{}", made.text);
    let mut shown = made.data().clone();
    let (key, secret) = (shown["apiKey"].take(), shown["callbackSecret"].take());
    let object = shown.as_object_mut().unwrap();
    object.remove("apiKey");
    object.remove("callbackSecret");
    assert!(key.as_str().unwrap().starts_with("qk_") && secret.as_str().unwrap().starts_with("whsec_"));
    assert!(key.as_str().unwrap().ends_with(shown["keyLastFour"].as_str().unwrap()));
    assert!(shown["id"].as_str().unwrap().starts_with("cl_"));
    assert_eq!(shown["permissions"], json!(["consents:read", "webhooks:read"]));
    assert_eq!(shown["limits"], json!({ "perMinute": 1_000, "perDay": 500_000, "concurrent": 50 }));
    assert_eq!((&shown["status"], &shown["plan"]), (&json!("active"), &json!("growth")));
    for field in ["name", "rpId", "origins", "callbackHosts"] {
        assert_eq!(shown[field], body[field], "{field}");
    }
    let itself = Api::new(app.api.url(""), key.as_str().unwrap().to_owned());
    for reader in [&app.api, &itself] {
        let read = reader.get(&path(&made)).await;
        let mut known = read.data().clone();
        known["keyLastUsedAt"] = Value::Null;
        assert_eq!((read.status, &known), (200, &shown), "{}", read.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_once_however_often_it_is_asked_for() {
    let app = TestApp::start().await;
    let body = json!({ "name": "Example", "permissions": [] });
    let first = app.api.post_once("/v1/clients", "once", &body).await;
    let again = app.api.post_once("/v1/clients", "once", &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(again.text, first.text);
    let other =
        app.api.post_once("/v1/clients", "once", &json!({ "name": "Other", "permissions": [] })).await;
    assert_eq!(other.status, 409);
    let listed = app.api.get("/v1/clients").await;
    assert_eq!(listed.data()["items"].as_array().unwrap().len(), 2, "it and the owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_changes_and_deletes_nothing() {
    let app = TestApp::start().await;
    let (made, _) = make(&app, json!({})).await;
    assert_eq!(app.api.patch(&path(&made), &json!({ "name": "Newer" })).await.status, 200);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for (version, status) in [("\"1\"", 409), ("1", 400)] {
            let request = app.api.request(method.clone(), &path(&made)).header("If-Match", version);
            let reply = Reply::of(request.json(&json!({ "name": "x" }))).await;
            assert_eq!(reply.status, status, "{method} {version}");
        }
    }
    let read = app.api.get(&path(&made)).await;
    assert_eq!((&read.data()["name"], read.header("etag")), (&json!("Newer"), "\"2\""));
    let delete = app.api.request(Method::DELETE, &path(&made)).header("If-Match", "\"2\"");
    assert_eq!(Reply::of(delete).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_lists_them_newest_first_and_page_by_page() {
    let app = TestApp::start().await;
    let mut made = vec![];
    for n in 0..5 {
        made.push(make(&app, json!({ "name": format!("Client {n}") })).await.0.id());
    }
    assert_eq!(app.api.delete(&format!("/v1/clients/{}", made[2])).await.status, 200);
    let (mut listed, mut cursor): (Vec<Value>, String) = (vec![], String::new());
    loop {
        let page = app.api.get(&format!("/v1/clients?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        listed.extend(page.data()["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page.data()["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let ids: Vec<_> = listed.iter().map(|client| client["id"].as_str().unwrap()).collect();
    assert_eq!(ids[..4], [&made[4], &made[3], &made[1], &made[0]]);
    assert_eq!((ids.len(), &listed[4]["name"]), (5, &json!("Owner")));
    assert!(
        listed.iter().all(|client| client.get("apiKey").is_none() && client.get("callbackSecret").is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_named_changes_and_as_it_was_can_be_read() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({ "rpId": "example.com" })).await;
    let path = path(&made);
    let changed = app.api.patch(&path, &json!({ "name": "Another", "rpId": null, "plan": "basic" })).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"3\""), "{}", changed.text);
    assert_eq!(changed.data()["name"], "Another");
    assert_eq!(
        (&changed.data()["rpId"], &changed.data()["limits"]["perMinute"]),
        (&Value::Null, &json!(300))
    );
    assert_eq!(changed.data()["permissions"], made.data()["permissions"]);
    let same = app.api.put(&path, &json!({ "name": "Another" })).await;
    assert_eq!((same.status, same.header("etag")), (200, "\"3\""));
    let before = made.header("etag").trim_matches('"');
    assert_eq!(before, "1");
    let position: i64 =
        sqlx::query_scalar("select position from events where aggregate_id = $1 and sequence = 1")
            .bind(made.id())
            .fetch_one(app.pool())
            .await
            .unwrap();
    let was = itself.get(&format!("{path}?asOf={position}")).await;
    assert_eq!((&was.data()["name"], was.header("etag")), (&json!("Example"), "\"1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_has_limits_of_its_own() {
    let app = TestApp::start().await;
    let limits = json!({ "perMinute": 6_000, "perDay": null, "concurrent": 200 });
    let (made, _) = make(&app, json!({ "plan": "enterprise", "limits": limits })).await;
    assert_eq!(made.data()["limits"], limits);
    let refused =
        app.api.post("/v1/clients", &json!({ "name": "x", "permissions": [], "limits": limits })).await;
    assert_eq!((refused.status, refused.errors()), (422, vec!["limits:invalid_limits".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_is_gone_and_its_key_with_it() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({})).await;
    assert_eq!(status(&itself).await, 200);
    let deleted = app.api.delete(&path(&made)).await;
    assert_eq!((deleted.status, &deleted.data()["status"]), (200, &json!("deleted")));
    assert_eq!(status(&itself).await, 401);
    assert_eq!(app.api.get(&path(&made)).await.status, 404);
    for reply in [
        app.api.delete(&path(&made)).await,
        app.api.patch(&path(&made), &json!({ "name": "x" })).await,
        app.api.post(&format!("{}/regenerate-key", path(&made)), &json!({})).await,
        app.api.post(&format!("{}/rotate-callback-secret", path(&made)), &json!({})).await,
    ] {
        assert_eq!(reply.status, 404, "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_to_a_deleted_client() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let (made, itself) = make(&app, json!({ "permissions": ["consents:write", "webhooks:write"] })).await;
    let endpoint = itself.post("/v1/webhooks", &json!({ "url": receiver.url() })).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.text);
    let body = json!({
        "recipient": "+1234567890", "purpose": "login", "callbackUrl": receiver.url(), "expiresIn": 1
    });
    assert_eq!(itself.post("/v1/service/consents", &body).await.status, 200);
    receiver.has_received(1).await;
    assert_eq!(app.api.delete(&path(&made)).await.status, 200);
    app.advance(TimeDelta::minutes(2));
    let settled = "select count(*) from webhook_deliveries where event_type = 'consent.expired' and status = 'cancelled'";
    let both = async {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        while sqlx::query_scalar::<_, i64>(settled).fetch_one(app.pool()).await.unwrap() < 2 {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), both).await.expect("both deliveries are cancelled");
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_go_to_the_clients_hosts_and_nowhere_else() {
    let app = TestApp::start().await;
    let (_, itself) = make(&app, json!({ "callbackHosts": ["hooks.example.com", "example.org"] })).await;
    for (url, good) in [
        ("https://hooks.example.com/a", true),
        ("https://example.org:8443/", true),
        ("https://HOOKS.example.com/a", true),
        ("https://example.com/", false),
        ("https://a.hooks.example.com/", false),
        ("https://hooks.example.com.evil.example/", false),
        ("https://hooks.example.com@evil.example/", false),
        ("http://localhost:9/", false),
    ] {
        let body = json!({ "recipient": "+1234567890", "purpose": "login", "callbackUrl": url });
        let reply = itself.post("/v1/service/consents", &body).await;
        if good {
            assert_eq!(reply.status, 200, "{url} {}", reply.text);
            continue;
        }
        assert_eq!((reply.status, reply.errors()), (422, vec!["callbackUrl:invalid_callback_url".into()]));
    }
    let body = json!({ "recipient": "a@example.com", "purpose": "login" });
    let consent = format!("/v1/service/consents/{}", itself.post("/v1/service/consents", &body).await.id());
    let moved = itself.patch(&consent, &json!({ "callbackUrl": "https://example.com/" })).await;
    assert_eq!(moved.errors(), ["callbackUrl:invalid_callback_url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_client_is_shut_out_until_it_is_resumed() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({})).await;
    assert_eq!(app.api.patch(&path(&made), &json!({ "status": "suspended" })).await.status, 200);
    assert_eq!(status(&itself).await, 401);
    assert_eq!(app.api.patch(&path(&made), &json!({ "status": "active" })).await.status, 200);
    assert_eq!(status(&itself).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_cannot_lock_itself_out() {
    let app = TestApp::start().await;
    let listed = app.api.get("/v1/clients").await;
    let path = format!("/v1/clients/{}", listed.data()["items"][0]["id"].as_str().unwrap());
    assert_eq!(app.api.delete(&path).await.status, 409);
    for change in [json!({ "status": "suspended" }), json!({ "permissions": ["consents:read"] })] {
        assert_eq!(app.api.patch(&path, &change).await.status, 409, "{change}");
    }
    assert_eq!(app.api.patch(&path, &json!({ "name": "Us" })).await.data()["name"], "Us");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_itself_and_no_other() {
    let app = TestApp::start().await;
    let ((one, its), (other, _)) = (make(&app, json!({})).await, make(&app, json!({})).await);
    assert_eq!(its.get(&path(&one)).await.status, 200);
    let never = its.get("/v1/clients/cl_00000000000000000000000000").await;
    let others = its.get(&path(&other)).await;
    assert_eq!((others.status, others.without_request_id()), (404, never.without_request_id()));
    for (method, action) in [("POST", "/regenerate-key"), ("POST", "/rotate-callback-secret")] {
        let reply = its.post(&format!("{}{action}", path(&other)), &json!({})).await;
        assert_eq!(reply.status, 404, "{method} {action}");
    }
    let own = [
        its.get("/v1/clients").await,
        its.post("/v1/clients", &json!({ "name": "x", "permissions": [] })).await,
        its.patch(&path(&one), &json!({ "plan": "enterprise" })).await,
        its.delete(&path(&one)).await,
    ];
    assert!(own.iter().all(|reply| reply.status == 403), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_is_named_with_its_code() {
    let app = TestApp::start().await;
    let bad = json!({
        "name": " x", "plan": "gold", "limits": { "perMinute": 0 }, "permissions": ["consents:fly"],
        "rpId": "LOGIN.example.com", "origins": ["https://example.com/path"], "callbackHosts": ["https://example.com"],
    });
    let reply = app.api.post("/v1/clients", &bad).await;
    assert_eq!(reply.status, 422);
    assert_eq!(
        reply.errors(),
        [
            "name:invalid_name",
            "plan:invalid_plan",
            "limits:invalid_limits",
            "permissions:invalid_permissions",
            "rpId:invalid_rp_id",
            "origins:invalid_origins",
            "callbackHosts:invalid_callback_hosts",
        ]
    );
    let missing = app.api.post("/v1/clients", &json!({ "surprise": 1 })).await;
    assert_eq!(
        (missing.status, missing.errors()),
        (400, vec!["name:required".into(), "permissions:required".into(), "surprise:unknown_field".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_passkeys_are_never_bound_to_where_persons_passkeys_are() {
    let app = TestApp::start_with(|config| config.public_url = "http://id.localhost".parse().unwrap()).await;
    for (rp_id, good) in [
        ("id.localhost", false),
        ("a.id.localhost", false),
        ("other.localhost", true),
        ("notid.localhost", true),
        ("localhost", true),
        ("login.example.com", true),
        ("login.1st.example", true),
        ("login.example.123", false),
        ("login.example.0xa", false),
    ] {
        let body = json!({ "name": "Example", "permissions": [], "rpId": rp_id });
        let reply = app.api.post("/v1/clients", &body).await;
        assert_eq!(reply.status, if good { 200 } else { 422 }, "{rp_id}: {}", reply.text);
    }
}
