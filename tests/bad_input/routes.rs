//! Paths, methods and queries that are none of ours.

use reqwest::Method;
use serde_json::json;

use super::{CONSENTS, SEARCH, assert_envelope, count_of_events, send};
use crate::support::{Reply, TestApp, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_does_not_exist_is_a_404_in_the_envelope() {
    let app = TestApp::start().await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/service",
        "/v1/service/consents/",
        "/v1/service/consents/search/",
        "/v1/service/consents/x/y",
        "/v1//service/consents",
        "/V1/service/consents",
        "/v2/service/consents",
        "/nothing",
        "/v1/service/consents%2Fsearch",
        "/v1/%FF",
        "/%00",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = send(&app.api, method.clone(), path, Some("application/json"), "{}").await;
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
            assert_envelope(&reply, 404, "not_found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_route_does_not_take_is_a_405_in_the_envelope() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let one = format!("{CONSENTS}/{id}");
    let history = format!("{one}/history");
    let summary = format!("{CONSENTS}/summary");
    let before = count_of_events(&app).await;
    for (path, methods, allowed) in [
        (SEARCH, vec!["GET", "PUT", "PATCH", "DELETE"], "POST"),
        (CONSENTS, vec!["PUT", "PATCH", "DELETE"], "GET,HEAD,POST"),
        (one.as_str(), vec!["POST", "OPTIONS", "TRACE", "BREW"], "GET,HEAD,PUT,PATCH,DELETE"),
        (history.as_str(), vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        (summary.as_str(), vec!["POST", "PUT", "PATCH", "DELETE"], "GET,HEAD"),
        ("/v1/health", vec!["POST"], "GET,HEAD"),
        ("/health/live", vec!["POST"], "GET,HEAD"),
    ] {
        for method in methods {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = send(&app.api, method.clone(), path, Some("application/json"), "{}").await;
            assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text);
            assert_envelope(&reply, 405, "method_not_allowed");
            let mut allow: Vec<_> = reply.header("allow").split(',').collect();
            allow.sort_unstable();
            let mut expected: Vec<_> = allowed.split(',').collect();
            expected.sort_unstable();
            assert_eq!(allow, expected, "{method} {path}");
        }
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_a_route_does_not_take_is_a_400() {
    let app = TestApp::start().await;
    let one = format!("{CONSENTS}/{}", app.create_consent().await);
    let history = format!("{one}/history");
    let summary = format!("{CONSENTS}/summary");
    let before = count_of_events(&app).await;
    for (method, path, body) in [
        (Method::POST, SEARCH, reference_body()),
        (Method::POST, CONSENTS, reference_body()),
        (Method::PUT, one.as_str(), json!({ "purpose": "login" })),
        (Method::PATCH, one.as_str(), json!({ "purpose": "login" })),
        (Method::DELETE, one.as_str(), json!({})),
        (Method::GET, one.as_str(), json!({})),
        (Method::GET, history.as_str(), json!({})),
        (Method::GET, summary.as_str(), json!({})),
        (Method::GET, CONSENTS, json!({})),
        (Method::POST, "/v1/webhooks", json!({ "url": "https://example.com/" })),
        (Method::GET, "/v1/webhooks", json!({})),
        (Method::GET, "/v1/webhooks/event-types", json!({})),
        (Method::GET, "/v1/health", json!({})),
    ] {
        let reply = Reply::of(app.api.request(method, &format!("{path}?dryRun=true")).json(&body)).await;
        assert_envelope(&reply, 400, "bad_request");
        assert_eq!(reply.errors(), ["dryRun:unknown_parameter"]);
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_no_utf8_matches_nothing_and_breaks_nothing() {
    let app = TestApp::start().await;
    for query in ["purpose=%FF", "%FF=1", "status=%C3", "limit=%ED%A0%80"] {
        let reply = app.api.get(&format!("{CONSENTS}?{query}")).await;
        assert_envelope(&reply, 400, "bad_request");
    }
    assert_eq!(app.api.get(&format!("{CONSENTS}?")).await.status, 200);
    assert_eq!(app.api.get(&format!("{CONSENTS}?&&")).await.status, 200);
}
