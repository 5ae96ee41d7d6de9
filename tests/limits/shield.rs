//! Who keeps trying bad keys is turned away by their address, and nobody else is.

use chrono::TimeDelta;
use mobid::http::authentication::ApiKey;
use mobid_domain::client::Permission;
use reqwest::Method;

use crate::support::{Api, Reply, TestApp};

const FAILURES: usize = 120;

fn stranger(app: &TestApp) -> Api {
    Api::new(app.url(""), ApiKey::random().reveal().to_owned())
}

/// An answer to a request that came by way of a proxy.
async fn from(api: &Api, address: &str) -> u16 {
    let request = api.request(Method::GET, "/v1/health").header("X-Forwarded-For", address);
    Reply::of(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_bad_keys_in_a_minute_are_not_looked_at_any_more() {
    let app = TestApp::start().await;
    let fresh = app.client_with(&[Permission::ConsentsRead]).await;
    let stranger = stranger(&app);
    for _ in 0..FAILURES {
        assert_eq!(stranger.get("/v1/service/consents").await.status, 401);
    }
    let refused = stranger.get("/v1/service/consents").await;
    assert_eq!((refused.status, refused.body["type"].as_str()), (429, Some("rate_limited")));
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.header("x-request-id").starts_with("req_"));
    assert_eq!(app.api.get("/v1/health").await.status, 200, "a neighbour whose key is known is heard");
    assert_eq!(fresh.get("/v1/health").await.status, 429, "nobody is looked up");
    app.advance(TimeDelta::milliseconds(59_999));
    let refused = stranger.get("/v1/service/consents").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(stranger.get("/v1/service/consents").await.status, 401);
    assert_eq!(fresh.get("/v1/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_good_is_a_bad_key_like_any_other() {
    let app = TestApp::start().await;
    let client = app.client_with(&[]).await;
    assert_eq!(client.get("/v1/health").await.status, 200);
    let listed = app.api.get("/v1/clients?limit=1").await;
    let path = format!("/v1/clients/{}", listed.data()["items"][0]["id"].as_str().unwrap());
    assert_eq!(app.api.delete(&path).await.status, 200);
    for _ in 0..FAILURES {
        assert_eq!(client.get("/v1/health").await.status, 401);
    }
    assert_eq!(client.get("/v1/health").await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_be_somebody_else_by_saying_so() {
    let app = TestApp::start().await;
    let stranger = stranger(&app);
    for n in 0..FAILURES {
        assert_eq!(from(&stranger, &format!("198.51.100.{n}")).await, 401);
    }
    assert_eq!(from(&stranger, "198.51.100.200").await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_address_counts_for_itself() {
    let loopback = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap());
    let app = TestApp::start_with(|config| config.trusted_proxies = loopback.to_vec()).await;
    let stranger = stranger(&app);
    for n in 0..FAILURES {
        // What the proxy was told before is nothing that it knows.
        assert_eq!(from(&stranger, &format!("192.0.2.{n}, 198.51.100.1")).await, 401);
    }
    assert_eq!(from(&stranger, "198.51.100.1").await, 429);
    assert_eq!(from(&stranger, "198.51.100.2").await, 401);
}
