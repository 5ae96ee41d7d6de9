//! Every error that the API's table has, by a request that gets it: each in the envelope, with a request id.

mod unreadable;

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;
use mobid::http::connections::{Bounds, serve};
use mobid::http::router;
use mobid_domain::client::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Api, Reply, TestApp, reference_body};

const SEARCH: &str = "/v1/service/consents/search";

#[track_caller]
fn assert_envelope(reply: &Reply, code: u16, kind: &str) {
    assert_eq!((reply.status, reply.body["type"].as_str()), (code, Some(kind)), "{}", reply.text);
    assert_eq!(reply.body["code"], code);
    assert!(reply.body["message"].as_str().is_some_and(|message| message.ends_with('.')), "{}", reply.text);
    assert_eq!(reply.body["requestId"], reply.header("x-request-id"));
    assert!(reply.header("x-request-id").starts_with("req_"), "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let mut names: Vec<_> = reply.body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["code", "data", "message", "requestId", "type"]);
}

/// A request for each row of the table, in the order of the table.
async fn one_of_each(app: &TestApp) -> Vec<Reply> {
    let (api, stranger) = (&app.api, Api::new(app.url(""), "qk_x".to_owned()));
    let nobody = app.client_with(&[]).await;
    let id = app.create_consent().await;
    let path = format!("/v1/service/consents/{id}");
    let stale = api.request(Method::PATCH, &path).header("If-Match", "\"7\"").json(&json!({}));
    let busy = app.client_with(&[Permission::ConsentsRead]).await;
    let listed = api.get("/v1/clients").await;
    let items = listed.data()["items"].as_array().unwrap();
    let busy_id = items[0]["id"].as_str().unwrap();
    let limits = json!({ "limits": { "perMinute": 1, "perDay": null, "concurrent": null } });
    let limited = api.patch(&format!("/v1/clients/{busy_id}"), &limits).await;
    assert_eq!(limited.status, 200, "{}", limited.text);
    busy.get("/v1/health").await;
    let replies = vec![
        api.post(SEARCH, &json!({})).await,
        stranger.get("/v1/health").await,
        nobody.post(SEARCH, &reference_body()).await,
        api.get("/v1/nothing").await,
        api.delete(SEARCH).await,
        Reply::of(stale).await,
        api.post(SEARCH, &json!({ "recipient": "x", "purpose": "login" })).await,
        busy.get("/v1/health").await,
    ];
    sqlx::query("alter table consents rename to elsewhere").execute(app.pool()).await.unwrap();
    let failed = api.get("/v1/service/consents").await;
    replies.into_iter().chain([failed]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_table_is_answered_to_somebody() {
    let app = TestApp::start().await;
    let table = [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (409, "conflict"),
        (422, "validation_error"),
        (429, "rate_limited"),
        (500, "server_error"),
    ];
    let replies = one_of_each(&app).await;
    assert_eq!(replies.len(), table.len());
    for (reply, (code, kind)) in replies.iter().zip(table) {
        assert_envelope(reply, code, kind);
        assert_eq!(reply.header("allow").is_empty(), code != 405);
        assert_eq!(reply.header("retry-after").is_empty(), code != 429);
        assert_eq!(reply.header("www-authenticate").is_empty(), code != 401);
    }
    let ids: BTreeSet<_> = replies.iter().map(|reply| reply.header("x-request-id")).collect();
    assert_eq!(ids.len(), replies.len());
    let failed = &replies[8];
    assert_eq!(failed.body["data"], Value::Null);
    assert!(!failed.text.contains("consents") && !failed.text.contains("relation"), "{}", failed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_fields_are_listed_all_at_once() {
    let app = TestApp::start().await;
    let bad = json!({ "purpose": "", "scope": "name", "expiresIn": 0, "callbackUrl": "x", "nonsense": 1 });
    let reply = app.api.post(SEARCH, &bad).await;
    assert_envelope(&reply, 400, "bad_request");
    let fields: BTreeSet<_> =
        reply.errors().iter().map(|error| error.split(':').next().unwrap().to_owned()).collect();
    let expected = ["callbackUrl", "expiresIn", "nonsense", "purpose", "recipient", "scope"];
    assert_eq!(fields, expected.map(str::to_owned).into());
}

async fn panics() -> String {
    let told: Result<String, &str> = std::hint::black_box(Err("a secret"));
    told.unwrap()
}

/// Routes that end as no route should, with what is around every route.
async fn routes_that_fail(app: &TestApp) -> (Api, watch::Sender<bool>) {
    let routes = Router::new()
        .route("/v1/panics", get(panics))
        .route("/r/panics", get(panics))
        .route("/v1/never", get(std::future::pending::<()>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = Api::new(format!("http://{}", listener.local_addr().unwrap()), app.api.key.clone());
    let (stop, stopping) = watch::channel(false);
    let bounds = Bounds::of(&app.app.config);
    tokio::spawn(serve(listener, router::surrounded(&app.app, routes), bounds, stopping));
    (api, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_or_never_ends_is_a_500_that_says_nothing_more() {
    let app = TestApp::start_with(|config| config.request_seconds = 1).await;
    let (api, _stop) = routes_that_fail(&app).await;
    for path in ["/v1/panics", "/v1/never", "/v1/panics"] {
        let reply = api.get(path).await;
        assert_envelope(&reply, 500, "server_error");
        assert_eq!(reply.body["data"], Value::Null);
        assert!(!reply.text.contains("secret"));
    }
    let page = api.get("/r/panics").await;
    assert_eq!((page.status, page.header("content-type")), (500, "text/html; charset=utf-8"));
    assert!(page.text.contains(page.header("x-request-id")), "{}", page.text);
    assert!(page.header("content-security-policy").contains("style-src 'self'"));
}
