//! A client is told where it stands, whatever the answer is.

use chrono::TimeDelta;
use mobid_domain::client::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Customer, told, unix};
use crate::support::{Reply, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_headers_name_each_policy() {
    let app = TestApp::start().await;
    let reply = Customer::of(&app, Plan::Free).await.ask().await;
    assert_eq!(
        reply.header("ratelimit-policy"),
        "\"minute\";q=60;w=60, \"day\";q=1000;w=86400, \"concurrency\";q=5;qu=\"concurrent-requests\""
    );
    assert_eq!(reply.header("ratelimit"), "\"minute\";r=59;t=60, \"day\";r=999;t=86400, \"concurrency\";r=4");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_remains_and_every_request_counts_once() {
    let app = TestApp::start().await;
    let customer = Customer::of(&app, Plan::Free).await;
    let good = json!({ "recipient": "+1234567890", "purpose": "login" });
    let consents = "/v1/service/consents";
    let made = customer.api.post(consents, &good).await;
    assert_eq!(told(&made), (200, "60", "59"));
    let resets = unix(app.clock().now() + TimeDelta::minutes(1));
    let (one, no_body) = (format!("{consents}/{}", made.id()), Value::Null);
    let bad = json!({ "recipient": "x", "purpose": "login" });
    let cases = [
        (Method::GET, "/v1/health", &no_body, 200),
        (Method::HEAD, "/v1/health", &no_body, 200),
        (Method::GET, "/v1/nothing", &no_body, 404),
        (Method::POST, "/v1/nothing", &good, 404),
        (Method::GET, "/v1", &no_body, 404),
        (Method::GET, "/v1/", &no_body, 404),
        (Method::PUT, consents, &good, 405),
        (Method::OPTIONS, consents, &no_body, 405),
        (Method::GET, "/v1/service/consents/x", &no_body, 404),
        (Method::GET, "/v1/service/consents?limit=x", &no_body, 400),
        (Method::POST, consents, &no_body, 400),
        (Method::POST, consents, &bad, 422),
        (Method::DELETE, &one, &no_body, 200),
        (Method::DELETE, &one, &no_body, 409),
        (Method::GET, "/v1/webhooks", &no_body, 403),
        (Method::GET, "/v1/clients", &no_body, 403),
    ];
    for (n, (method, path, body, status)) in cases.into_iter().enumerate() {
        let reply = Reply::of(customer.api.request(method.clone(), path).json(body)).await;
        let left = (58 - n).to_string();
        assert_eq!(told(&reply), (status, "60", left.as_str()), "{method} {path} {}", reply.text);
        assert_eq!(reply.header("x-ratelimit-reset"), resets, "{method} {path}");
        assert!(reply.header("ratelimit").starts_with(&format!("\"minute\";r={left};")), "{method} {path}");
        assert!(reply.header("ratelimit-policy").starts_with("\"minute\";q=60;w=60, "), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_replayed_says_what_remains_now() {
    let app = TestApp::start().await;
    let customer = Customer::of(&app, Plan::Free).await;
    let body = json!({ "recipient": "+1234567890", "purpose": "login" });
    let first = customer.api.post_once("/v1/service/consents", "once", &body).await;
    let again = customer.api.post_once("/v1/service/consents", "once", &body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((told(&first), told(&again)), ((200, "60", "59"), (200, "60", "58")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_that_runs_out_first_is_the_one_told() {
    let app = TestApp::start().await;
    let customer = Customer::of(&app, Plan::Free).await;
    let resets = unix(app.clock().now() + TimeDelta::days(1));
    for minute in 0..16 {
        for n in 0..60 {
            let reply = customer.ask().await;
            let (limit, left) = match 1_000 - minute * 60 - n - 1 {
                left if left <= 59 - n => ("1000", left),
                _ => ("60", 59 - n),
            };
            assert_eq!(told(&reply), (200, limit, left.to_string().as_str()), "minute {minute}, {n}");
        }
        app.advance(TimeDelta::minutes(1));
    }
    for left in (0..40).rev() {
        assert_eq!(told(&customer.ask().await), (200, "1000", left.to_string().as_str()));
    }
    let refused = customer.ask().await;
    assert_eq!((told(&refused), refused.header("x-ratelimit-reset")), ((429, "1000", "0"), resets.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_not_limited_and_told_of_no_limit() {
    let app = TestApp::start().await;
    let reply = app.api.get("/v1/health").await;
    assert_eq!(told(&reply), (200, "", ""));
    assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), ("", ""));
}
