//! Plans and their limits, as a client meets them.

use chrono::TimeDelta;
use mobid::limits::Verdict;
use mobid_domain::client::{Limits, Plan};
use mobid_domain::id::ClientId;
use serde_json::json;

use crate::support::{Api, Reply, TestApp};

/// A client of a plan: its id and its API.
async fn of_plan(app: &TestApp, plan: Plan) -> (ClientId, Api) {
    let body = json!({ "name": "Example", "plan": plan, "permissions": ["consents:read", "consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let key = made.data()["apiKey"].as_str().unwrap().to_owned();
    (made.id().parse().unwrap(), Api::new(app.api.url(""), key))
}

/// Counts so many requests without sending them.
fn spend(app: &TestApp, client: ClientId, limits: Limits, requests: u32) {
    for _ in 0..requests {
        let verdict = app.app.limiter.admit(client, limits, app.clock().now());
        assert!(matches!(verdict, Verdict::Admitted(..)));
    }
}

fn told(reply: &Reply) -> (u16, &str, &str) {
    (reply.status, reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining"))
}

async fn ask(api: &Api) -> Reply {
    api.get("/v1/health").await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_a_minute() {
    let app = TestApp::start().await;
    for plan in [Plan::Free, Plan::Basic, Plan::Growth] {
        let (client, api) = of_plan(&app, plan).await;
        let (limits, minute) = (plan.limits(), plan.limits().per_minute.unwrap());
        let first = ask(&api).await;
        let opened = app.clock().now();
        let (limit, left) = (minute.to_string(), (minute - 1).to_string());
        assert_eq!(told(&first), (200, limit.as_str(), left.as_str()));
        let resets = (opened + TimeDelta::minutes(1)).timestamp().to_string();
        assert_eq!(first.header("x-ratelimit-reset"), resets);
        spend(&app, client, limits, minute - 2);
        assert_eq!(told(&ask(&api).await), (200, limit.as_str(), "0"));
        app.advance(TimeDelta::seconds(20));
        let refused = ask(&api).await;
        assert_eq!(told(&refused), (429, limit.as_str(), "0"));
        assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-reset")), ("40", resets.as_str()));
        assert_eq!(refused.body["type"], "rate_limited");
        assert_eq!(refused.data(), &json!({ "policy": "minute", "limit": minute, "retryAfter": 40 }));
        app.advance(TimeDelta::seconds(40));
        assert_eq!(told(&ask(&api).await), (200, limit.as_str(), left.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_a_day() {
    let app = TestApp::start().await;
    for plan in [Plan::Free, Plan::Basic, Plan::Growth] {
        let (client, api) = of_plan(&app, plan).await;
        let day = plan.limits().per_day.unwrap();
        assert_eq!(ask(&api).await.status, 200);
        // As if spread over the day: by the minute the plan would stop it first.
        spend(&app, client, Limits { per_minute: None, ..Limits { concurrent: None, ..plan.limits() } }, day - 1);
        app.advance(TimeDelta::minutes(2));
        let refused = ask(&api).await;
        assert_eq!(told(&refused), (429, day.to_string().as_str(), "0"), "{plan:?}");
        assert_eq!((refused.header("retry-after"), &refused.data()["policy"]), ("86280", &json!("day")));
        app.advance(TimeDelta::days(1) - TimeDelta::minutes(2));
        assert_eq!(ask(&api).await.status, 200, "{plan:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plan_has_so_many_requests_at_the_same_time() {
    let app = TestApp::start().await;
    for plan in [Plan::Free, Plan::Basic, Plan::Growth] {
        let (client, api) = of_plan(&app, plan).await;
        let (limits, concurrent) = (plan.limits(), plan.limits().concurrent.unwrap());
        let mut places: Vec<_> = (0..concurrent)
            .map(|_| match app.app.limiter.admit(client, limits, app.clock().now()) {
                Verdict::Admitted(_, place) => place,
                Verdict::Refused(..) => panic!("there is room"),
            })
            .collect();
        let refused = ask(&api).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{plan:?}");
        let expected = format!("\"concurrency\";q={concurrent};qu=\"concurrent-requests\"");
        assert!(refused.header("ratelimit-policy").ends_with(&expected), "{:?}", refused.headers);
        assert!(refused.header("ratelimit").ends_with("\"concurrency\";r=0"), "{:?}", refused.headers);
        places.pop();
        let answered = ask(&api).await;
        assert_eq!(answered.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_headers_name_each_policy() {
    let app = TestApp::start().await;
    let (_, api) = of_plan(&app, Plan::Free).await;
    let reply = ask(&api).await;
    assert_eq!(
        reply.header("ratelimit-policy"),
        "\"minute\";q=60;w=60, \"day\";q=1000;w=86400, \"concurrency\";q=5;qu=\"concurrent-requests\""
    );
    assert_eq!(reply.header("ratelimit"), "\"minute\";r=59;t=60, \"day\";r=999;t=86400, \"concurrency\";r=4");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_counts_at_once() {
    let app = TestApp::start().await;
    let (client, api) = of_plan(&app, Plan::Free).await;
    spend(&app, client, Plan::Free.limits(), 60);
    assert_eq!(ask(&api).await.status, 429);
    let path = format!("/v1/clients/{client}");
    assert_eq!(app.api.patch(&path, &json!({ "plan": "basic" })).await.status, 200);
    assert_eq!(told(&ask(&api).await), (200, "300", "239"));
    assert_eq!(app.api.patch(&path, &json!({ "plan": "free" })).await.status, 200);
    assert_eq!(ask(&api).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_not_limited_and_told_of_no_limit() {
    let app = TestApp::start().await;
    let reply = ask(&app.api).await;
    assert_eq!(told(&reply), (200, "", ""));
    assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), ("", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_takes_no_place_from_others() {
    let app = TestApp::start().await;
    let (client, api) = of_plan(&app, Plan::Free).await;
    let body = json!({ "recipient": "+1234567890", "purpose": "login" });
    let id = api.post("/v1/service/consents", &body).await.id();
    let waiting = tokio::spawn({
        let (api, path) = (api.clone(), format!("/v1/service/consents/{id}?wait=30"));
        async move { api.get(&path).await }
    });
    // Once it waits, every place is free again.
    while app.app.limiter.usage(client, Plan::Free.limits(), app.clock().now()).minute.unwrap().used < 2 {
        tokio::task::yield_now().await;
    }
    while app.app.limiter.usage(client, Plan::Free.limits(), app.clock().now()).concurrent != Some((5, 0)) {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(api.delete(&format!("/v1/service/consents/{id}")).await.status, 200);
    assert_eq!(waiting.await.unwrap().data()["status"], "revoked");
}
