//! Each plan's three limits, driven until they hold.

use chrono::TimeDelta;
use mobid_domain::client::{Limits, Plan};
use serde_json::json;

use super::{Customer, hold, let_go, spend, told, unix};
use crate::support::TestApp;

const PLANS: [Plan; 3] = [Plan::Free, Plan::Basic, Plan::Growth];

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_a_minute() {
    let app = TestApp::start().await;
    for plan in PLANS {
        let customer = Customer::of(&app, plan).await;
        let minute = plan.limits().per_minute.unwrap();
        let limit = minute.to_string();
        let resets = unix(app.clock().now() + TimeDelta::minutes(1));
        for n in 1..=minute {
            let reply = customer.api.get("/v1/nothing").await;
            assert_eq!(told(&reply), (404, limit.as_str(), (minute - n).to_string().as_str()));
            assert_eq!(reply.header("x-ratelimit-reset"), resets);
        }
        app.advance(TimeDelta::seconds(20));
        let refused = customer.ask().await;
        assert_eq!(told(&refused), (429, limit.as_str(), "0"));
        assert_eq!(
            (refused.header("retry-after"), refused.header("x-ratelimit-reset")),
            ("40", resets.as_str())
        );
        assert_eq!(refused.body["type"], "rate_limited");
        assert_eq!(refused.data(), &json!({ "policy": "minute", "limit": minute, "retryAfter": 40 }));
        app.advance(TimeDelta::seconds(40));
        assert_eq!(told(&customer.ask().await), (200, limit.as_str(), (minute - 1).to_string().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_a_day() {
    let app = TestApp::start().await;
    for plan in PLANS {
        let customer = Customer::of(&app, plan).await;
        let day = plan.limits().per_day.unwrap();
        let limit = day.to_string();
        let resets = unix(app.clock().now() + TimeDelta::days(1));
        assert_eq!(customer.ask().await.status, 200);
        // As if spread over the day: in one minute the plan would not allow it.
        let unhurried = Limits { per_minute: None, concurrent: None, ..plan.limits() };
        spend(&app, &customer, unhurried, day - 3).await;
        app.advance(TimeDelta::minutes(2));
        for left in ["1", "0"] {
            let reply = customer.ask().await;
            assert_eq!(told(&reply), (200, limit.as_str(), left), "{plan:?}");
            assert_eq!(reply.header("x-ratelimit-reset"), resets);
        }
        let refused = customer.ask().await;
        assert_eq!(told(&refused), (429, limit.as_str(), "0"), "{plan:?}");
        assert_eq!(refused.header("retry-after"), "86280");
        assert_eq!(refused.data(), &json!({ "policy": "day", "limit": day, "retryAfter": 86_280 }));
        app.advance(TimeDelta::days(1) - TimeDelta::minutes(2) - TimeDelta::milliseconds(1));
        assert_eq!(customer.ask().await.status, 429, "{plan:?}");
        app.advance(TimeDelta::milliseconds(1));
        assert_eq!(customer.ask().await.status, 200, "{plan:?}");
    }
}

async fn until_under_way(app: &TestApp, customer: &Customer, count: u32) {
    while customer.usage(app).concurrent.unwrap().1 != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_at_the_same_time() {
    let app = TestApp::start().await;
    for plan in PLANS {
        let customer = Customer::of(&app, plan).await;
        let concurrent = plan.limits().concurrent.unwrap();
        let policy = format!("\"concurrency\";q={concurrent};qu=\"concurrent-requests\"");
        let mut held = vec![];
        for n in 0..concurrent {
            let reply = customer.ask().await;
            assert_eq!(reply.status, 200);
            assert!(reply.header("ratelimit-policy").ends_with(&policy), "{:?}", reply.headers);
            let left = format!("\"concurrency\";r={}", concurrent - n - 1);
            assert!(reply.header("ratelimit").ends_with(&left), "{n}: {:?}", reply.headers);
            until_under_way(&app, &customer, n).await;
            held.push(hold(&customer.api).await);
            until_under_way(&app, &customer, n + 1).await;
        }
        let refused = customer.ask().await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{plan:?}");
        assert_eq!(refused.data(), &json!({ "policy": "concurrency", "limit": concurrent, "retryAfter": 1 }));
        assert!(refused.header("ratelimit").ends_with("\"concurrency\";r=0"), "{:?}", refused.headers);
        let text = let_go(held.pop().unwrap()).await;
        assert!(text.starts_with("HTTP/1.1 400 ") && text.contains("\"concurrency\";r=0"), "{text}");
        assert_eq!(customer.ask().await.status, 200, "its place is free as soon as it was answered");
        // Who goes away without an answer gives the place back as well.
        drop(held);
        until_under_way(&app, &customer, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_counts_at_once() {
    let app = TestApp::start().await;
    let customer = Customer::of(&app, Plan::Free).await;
    spend(&app, &customer, Plan::Free.limits(), 60).await;
    assert_eq!(customer.ask().await.status, 429);
    let path = format!("/v1/clients/{}", customer.id);
    assert_eq!(app.api.patch(&path, &json!({ "plan": "basic" })).await.status, 200);
    assert_eq!(told(&customer.ask().await), (200, "300", "239"));
    let agreed = json!({ "plan": "enterprise", "limits": { "perMinute": 62, "concurrent": 1 } });
    assert_eq!(app.api.patch(&path, &agreed).await.status, 200);
    assert_eq!(told(&customer.ask().await), (200, "62", "0"));
    assert_eq!(customer.ask().await.status, 429);
    assert_eq!(app.api.patch(&path, &json!({ "limits": null })).await.status, 200);
    assert_eq!(told(&customer.ask().await), (200, "", ""));
    assert_eq!(app.api.patch(&path, &json!({ "plan": "free" })).await.status, 200);
    assert_eq!(told(&customer.ask().await), (429, "60", "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_client_uses_up_another_still_has() {
    let app = TestApp::start().await;
    let (one, other) = (Customer::of(&app, Plan::Free).await, Customer::of(&app, Plan::Free).await);
    spend(&app, &one, Plan::Free.limits(), 60).await;
    assert_eq!(one.ask().await.status, 429);
    assert_eq!(told(&other.ask().await), (200, "60", "59"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_takes_no_place_from_others() {
    let app = TestApp::start().await;
    let customer = Customer::of(&app, Plan::Free).await;
    let body = json!({ "recipient": "+1234567890", "purpose": "login" });
    let id = customer.api.post("/v1/service/consents", &body).await.id();
    let waiting = tokio::spawn({
        let (api, path) = (customer.api.clone(), format!("/v1/service/consents/{id}?wait=30"));
        async move { api.get(&path).await }
    });
    // Once it waits, every place is free again.
    while customer.usage(&app).minute.unwrap().used < 2 {
        tokio::task::yield_now().await;
    }
    until_under_way(&app, &customer, 0).await;
    assert!(!waiting.is_finished());
    assert_eq!(customer.api.delete(&format!("/v1/service/consents/{id}")).await.status, 200);
    assert_eq!(waiting.await.unwrap().data()["status"], "revoked");
}
