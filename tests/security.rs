//! What every answer tells a browser, and which pages of other origins may call.

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, Reply, TestApp, reference_body};

/// Answers of all kinds: of the API, good and bad, of health, of a page, of an asset, of nothing.
async fn answers(app: &TestApp) -> Vec<Reply> {
    let stranger = Api::new(app.url(""), String::new());
    let id = app.create_consent().await;
    vec![
        app.api.post("/v1/service/consents/search", &reference_body()).await,
        app.api.post("/v1/service/consents/search", &json!({})).await,
        app.api.get("/v1/service/consents").await,
        app.api.delete("/v1/health").await,
        stranger.get("/v1/health").await,
        stranger.get("/v1/nothing").await,
        stranger.get("/nothing").await,
        stranger.get("/health/live").await,
        stranger.get("/health/ready").await,
        stranger.get(&format!("/r/{id}")).await,
        stranger.get("/r/nothing").await,
        stranger.get(&format!("/qr/{id}")).await,
        stranger.get("/assets/pages.css").await,
        stranger.get("/assets/passkey.js").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_that_it_is_no_page_to_frame_and_no_script_to_run() {
    let app = TestApp::start().await;
    for (place, reply) in answers(&app).await.iter().enumerate() {
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{place}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{place}");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{place}"
        );
        assert!(!reply.header("referrer-policy").is_empty(), "{place}");
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin", "{place}");
        let kept = reply.header("cache-control");
        assert!(
            kept == "no-store"
                || reply.header("content-type").starts_with("text/css")
                || reply.header("content-type").starts_with("text/javascript"),
            "{place}: {kept}"
        );
        assert_eq!(reply.header("strict-transport-security"), "", "{place}: it is reached over http");
        assert_eq!(reply.header("server"), "", "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_public_url_is_https_every_answer_says_so() {
    let app = TestApp::start_with(|config| config.public_url = "https://localhost".parse().unwrap()).await;
    for (place, reply) in answers(&app).await.iter().enumerate() {
        let said = reply.header("strict-transport-security");
        assert!(said.starts_with("max-age=63072000"), "{place}: {said}");
    }
}

async fn from(api: &Api, method: Method, path: &str, origin: &str) -> Reply {
    let request = api.request(method, path).header("Origin", origin);
    let asked = "x-mobid-key, content-type, idempotency-key, if-match";
    let request = request.header("Access-Control-Request-Method", "POST");
    Reply::of(request.header("Access-Control-Request-Headers", asked)).await
}

#[track_caller]
fn assert_not_allowed(reply: &Reply) {
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_another_origin_may_call_by_default() {
    let app = TestApp::start().await;
    let preflight = from(&app.api, Method::OPTIONS, "/v1/health", "https://app.example.com").await;
    assert_eq!(preflight.status, 405);
    assert_not_allowed(&preflight);
    let asked = from(&app.api, Method::GET, "/v1/health", "https://app.example.com").await;
    assert_eq!(asked.status, 200);
    assert_not_allowed(&asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_origins_that_are_named_may_call_the_api_and_nothing_else() {
    let ours = "https://app.example.com";
    let app = TestApp::start_with(|config| config.cors_origins = vec![ours.to_owned()]).await;
    let stranger = Api::new(app.url(""), String::new());
    let preflight = from(&stranger, Method::OPTIONS, "/v1/service/consents", ours).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, ours));
    for (header, named) in [
        ("access-control-allow-methods", "DELETE"),
        ("access-control-allow-headers", "x-mobid-key"),
        ("access-control-allow-headers", "idempotency-key"),
    ] {
        assert!(preflight.header(header).contains(named), "{header}: {}", preflight.header(header));
    }
    // Errors, too: else a page could not read why.
    for (api, status) in [(&app.api, 200), (&stranger, 401)] {
        let asked = from(api, Method::GET, "/v1/health", ours).await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (status, ours));
        assert!(asked.header("access-control-expose-headers").contains("etag"));
        assert_eq!(asked.header("access-control-allow-credentials"), "");
    }
    for (path, origin) in [
        ("/v1/health", "https://evil.example"),
        ("/v1/health", "https://app.example.com.evil.example"),
        ("/v1/health", "http://app.example.com"),
        ("/v1/health", "null"),
        ("/health/live", ours),
        ("/r/nothing", ours),
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            assert_not_allowed(&from(&app.api, method, path, origin).await);
        }
    }
}
