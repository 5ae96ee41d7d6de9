//! What a client has used, for itself and for whoever bills it.

use chrono::{DateTime, TimeDelta, Utc};
use mobid::clock::Clock;
use mobid::workers::{housekeeping, metering};
use serde_json::{Value, json};

use super::{make, path};
use crate::support::{Api, Reply, TestApp, approve, fresh_database};

/// Noon of a day.
async fn start_at(start: &str) -> TestApp {
    let start: DateTime<Utc> = start.parse().unwrap();
    TestApp::start_on(fresh_database().await, Clock::manual(start), |_| {}).await
}

async fn usage(api: &Api, made: &Reply, query: &str) -> Value {
    let reply = api.get(&format!("{}/usage{query}", path(made))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data().clone()
}

/// As written down now.
async fn total(app: &TestApp, made: &Reply) -> Value {
    metering::write(&app.app).await;
    usage(&app.api, made, "").await["total"].clone()
}

fn requests(admitted: u32, minute: u32) -> Value {
    json!({ "admitted": admitted, "refused": { "minute": minute, "day": 0, "concurrency": 0 } })
}

fn consents(pending: u32, approved: u32) -> Value {
    let counts =
        json!({ "pending": pending, "approved": approved, "rejected": 0, "expired": 0, "revoked": 0 });
    json!({ "total": pending + approved, "counts": counts })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_day_has_its_requests_and_its_consents() {
    let app = start_at("2030-03-15T12:00:00Z").await;
    let (made, itself) = make(&app, json!({})).await;
    let body = json!({ "recipient": "+1234567890", "purpose": "login", "expiresIn": 43_200 });
    let first = itself.post("/v1/service/consents", &body).await.id();
    for _ in 0..58 {
        assert_eq!(itself.get("/v1/nothing").await.status, 404);
    }
    assert_eq!(itself.get("/v1/webhooks").await.status, 403);
    for _ in 0..3 {
        assert_eq!(itself.get("/v1/health").await.status, 429);
    }
    app.advance(TimeDelta::days(2));
    for _ in 0..2 {
        itself.post("/v1/service/consents", &body).await;
    }
    approve(&app.app, &first).await.unwrap();
    metering::write(&app.app).await;
    let used = usage(&app.api, &made, "?from=2030-03-14&to=2030-03-17").await;
    let day = |day: &str, requests: Value, consents: Value| json!({ "day": day, "requests": requests, "consents": consents });
    let expected = json!({
        "id": made.id(), "from": "2030-03-14", "to": "2030-03-17",
        "total": { "requests": requests(62, 3), "consents": consents(2, 1) },
        "days": [
            day("2030-03-14", requests(0, 0), consents(0, 0)),
            day("2030-03-15", requests(60, 3), consents(0, 1)),
            day("2030-03-16", requests(0, 0), consents(0, 0)),
            day("2030-03-17", requests(2, 0), consents(2, 0)),
        ],
    });
    assert_eq!(used, expected);
    assert_eq!(
        usage(&itself, &made, "?from=2030-03-14&to=2030-03-17").await,
        expected,
        "it may read its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_servers_have_counted_outlives_them_and_is_added_up() {
    let app = start_at("2030-03-15T12:00:00Z").await;
    let twin = app.twin().await;
    let (made, itself) = make(&app, json!({})).await;
    for server in [&app, &twin, &twin] {
        assert_eq!(itself.at(&server.api).get("/v1/health").await.status, 200);
    }
    metering::write(&twin.app).await;
    metering::write(&twin.app).await;
    assert_eq!(total(&app, &made).await["requests"], requests(3, 0));
    // What it has not written down yet it writes when it stops.
    assert_eq!(itself.at(&twin.api).get("/v1/health").await.status, 200);
    twin.stop().await;
    let next = app.twin().await;
    assert_eq!(itself.at(&next.api).get("/v1/health").await.status, 200);
    metering::write(&next.app).await;
    assert_eq!(total(&app, &made).await["requests"], requests(5, 0));
    app.advance(TimeDelta::days(8));
    assert_eq!(itself.get("/v1/health").await.status, 200);
    assert_eq!(total(&app, &made).await["requests"], requests(6, 0));
    for _ in 0..2 {
        housekeeping::tidy(&app.app).await.unwrap();
        assert_eq!(total(&app, &made).await["requests"], requests(6, 0));
    }
    let rows = sqlx::query_scalar::<_, i64>("select count(*) from client_requests where client_id = $1");
    assert_eq!(rows.bind(made.id()).fetch_one(app.pool()).await.unwrap(), 2, "one for each day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_can_be_billed_and_one_that_never_was_cannot() {
    let app = TestApp::start().await;
    let (made, itself) = make(&app, json!({})).await;
    assert_eq!(itself.get("/v1/health").await.status, 200);
    assert_eq!(app.api.delete(&path(&made)).await.status, 200);
    assert_eq!(total(&app, &made).await["requests"], requests(1, 0));
    let never = app.api.get("/v1/clients/cl_00000000000000000000000000/usage").await;
    assert_eq!(never.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_of_days_that_make_sense() {
    let app = start_at("2030-03-15T12:00:00Z").await;
    let (made, itself) = make(&app, json!({})).await;
    for (query, from, to, days) in [
        ("", "2030-02-14", "2030-03-15", 30),
        ("?from=2030-03-01", "2030-03-01", "2030-03-15", 15),
        ("?to=2030-01-30", "2030-01-01", "2030-01-30", 30),
        ("?from=2030-03-15&to=2030-03-15", "2030-03-15", "2030-03-15", 1),
        ("?from=2031-01-01", "2031-01-01", "2031-01-01", 1),
        ("?from=2029-12-14&to=2030-03-15", "2029-12-14", "2030-03-15", 92),
    ] {
        let used = usage(&itself, &made, query).await;
        assert_eq!((&used["from"], &used["to"]), (&json!(from), &json!(to)), "{query}");
        assert_eq!(used["days"].as_array().unwrap().len(), days, "{query}");
    }
    for query in [
        "?from=2030-03-16&to=2030-03-15",
        "?from=2029-12-13&to=2030-03-15",
        "?from=2030-3-1",
        "?from=yesterday",
        "?from=2030-02-30",
        "?from=%2B262142-12-31",
        "?to=-262143-01-01",
        "?day=2030-03-15",
        "?from=2030-03-01&from=2030-03-02",
    ] {
        let reply = itself.get(&format!("{}/usage{query}", path(&made))).await;
        assert_eq!((reply.status, &reply.body["type"]), (400, &json!("bad_request")), "{query}");
    }
}
