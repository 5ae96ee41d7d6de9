//! Who may ask at all.

use chrono::TimeDelta;
use mobid_domain::client::Permission;
use reqwest::Method;
use serde_json::json;

use super::{CONSENTS, SEARCH, assert_envelope, count_of_events, send};
use crate::support::{Api, Reply, TestApp, reference_body};

/// Every route, and some that are none, well asked and badly.
fn requests(id: &str) -> Vec<(Method, String, String)> {
    let body = reference_body().to_string();
    let one = format!("{CONSENTS}/{id}");
    [
        (Method::POST, SEARCH.to_owned(), body.as_str()),
        (Method::POST, CONSENTS.to_owned(), body.as_str()),
        (Method::POST, SEARCH.to_owned(), "{"),
        (Method::GET, CONSENTS.to_owned(), ""),
        (Method::GET, format!("{CONSENTS}?limit=x"), ""),
        (Method::GET, format!("{CONSENTS}/summary"), ""),
        (Method::GET, one.clone(), ""),
        (Method::GET, format!("{CONSENTS}/x"), ""),
        (Method::GET, format!("{one}/history"), ""),
        (Method::PUT, one.clone(), "{}"),
        (Method::PATCH, one.clone(), "{}"),
        (Method::DELETE, one.clone(), ""),
        (Method::PUT, CONSENTS.to_owned(), ""),
        (Method::GET, "/v1/health".to_owned(), ""),
        (Method::GET, "/v1/nothing/here".to_owned(), ""),
        (Method::POST, "/v1/%FF".to_owned(), "{"),
    ]
    .map(|(method, path, body)| (method, path, body.to_owned()))
    .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_key_nothing_else_is_looked_at() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let before = count_of_events(&app).await;
    let key = app.api.key.clone();
    let unknown = mobid::http::authentication::ApiKey::random().reveal().to_owned();
    let keys = [
        String::new(),
        "x".to_owned(),
        key[..key.len() - 1].to_owned(),
        key[3..].to_owned(),
        format!("{key}0"),
        format!("{key} {key}"),
        format!("Bearer {key}"),
        key.to_uppercase(),
        key.replacen("qk_", "qk_test_", 1),
        "qk_".to_owned() + &"0".repeat(49),
        "q".repeat(5_000),
        unknown,
    ];
    let mut expected = None;
    for key in keys {
        // Who tries too many in a minute is not even heard.
        app.advance(TimeDelta::minutes(1));
        let stranger = Api::new(app.url(""), key.clone());
        for (method, path, body) in requests(&id) {
            let reply = send(&stranger, method, &path, Some("application/json"), body).await;
            assert_envelope(&reply, 401, "unauthorized");
            assert!(reply.header("www-authenticate").contains("X-Mobid-Key"));
            let same = expected.get_or_insert_with(|| reply.without_request_id());
            assert_eq!(&reply.without_request_id(), same, "{path} tells {key} nothing");
        }
    }
    app.advance(TimeDelta::minutes(1));
    for (method, path, body) in requests(&id) {
        let reply = Reply::of(app.api.http.request(method, app.url(&path)).body(body)).await;
        assert_envelope(&reply, 401, "unauthorized");
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"qk_\xff").unwrap();
    let request = app.api.http.get(app.url(CONSENTS)).header("X-Mobid-Key", bytes);
    assert_envelope(&Reply::of(request).await, 401, "unauthorized");
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_permission_is_told_which_it_lacks() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let reader = app.client_with(&[Permission::ConsentsRead]).await;
    let writer = app.client_with(&[Permission::ConsentsWrite]).await;
    let nobody = app.client_with(&[]).await;
    let before = count_of_events(&app).await;
    for (method, path, body) in requests(&id) {
        if !path.starts_with(CONSENTS) || (method == Method::PUT && path == CONSENTS) {
            continue;
        }
        let (lacking, permission) = match method {
            Method::GET => (&writer, "consents:read"),
            _ => (&reader, "consents:write"),
        };
        for client in [lacking, &nobody] {
            let reply = send(client, method.clone(), &path, Some("application/json"), body.clone()).await;
            assert_envelope(&reply, 403, "forbidden");
            assert!(reply.body["message"].as_str().unwrap().contains(permission), "{}", reply.text);
        }
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
    assert_eq!(nobody.get("/v1/health").await.status, 200, "health is for every key");
    assert_eq!(nobody.get("/v1/nothing").await.status, 404);
    assert_eq!(reader.get(CONSENTS).await.status, 200);
    assert_eq!(writer.post(SEARCH, &reference_body()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_1_to_255_characters_of_ascii() {
    let app = TestApp::start().await;
    let post = async |key: &[u8]| {
        let key = reqwest::header::HeaderValue::from_bytes(key).unwrap();
        let request = app.api.request(Method::POST, SEARCH).header("Idempotency-Key", key);
        Reply::of(request.json(&reference_body())).await
    };
    for bad in [&b""[..], &[b'a'; 256], b"caf\xc3\xa9", b"\xff", b"one\ttwo"] {
        assert_envelope(&post(bad).await, 400, "bad_request");
    }
    for good in [&b"a"[..], &[b'a'; 255], b"one two / \"three\""] {
        assert_eq!(post(good).await.status, 200);
    }
    let twice = app.api.request(Method::POST, SEARCH).header("Idempotency-Key", "a");
    let twice = twice.header("Idempotency-Key", "b").json(&reference_body());
    assert_envelope(&Reply::of(twice).await, 400, "bad_request");
    let on_get = app.api.request(Method::GET, CONSENTS).header("Idempotency-Key", "");
    assert_eq!(Reply::of(on_get).await.status, 200, "it means something to a POST only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_request_id_is_kept_and_a_bad_one_replaced() {
    let app = TestApp::start().await;
    let ask = async |path: &str, id: &[u8]| {
        let id = reqwest::header::HeaderValue::from_bytes(id).unwrap();
        let reply = Reply::of(app.api.request(Method::GET, path).header("X-Request-Id", id)).await;
        (reply.header("x-request-id").to_owned(), reply.body["requestId"].clone())
    };
    for path in [CONSENTS, "/v1/nothing", "/health/live"] {
        for good in ["a", "Az09._-", &"a".repeat(128)] {
            let (header, body) = ask(path, good.as_bytes()).await;
            assert_eq!(header, good);
            assert!(body == json!(good) || body == json!(null));
        }
        for bad in [&b""[..], b"a b", b"a/b", b"<x>", b"caf\xc3\xa9", &[b'a'; 129]] {
            assert!(ask(path, bad).await.0.starts_with("req_"), "{bad:?}");
        }
    }
}
