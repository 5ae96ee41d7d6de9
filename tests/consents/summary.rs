//! `GET /v1/service/consents/summary`.

use chrono::{DateTime, TimeDelta, Utc};
use mobid::clock::Clock;
use mobid_domain::consent::ConsentCommand;
use serde_json::json;

use super::{CONSENTS, path_of};
use crate::support::{TestApp, approve, decide, fresh_database, passkey};

async fn start_at(start: &str) -> TestApp {
    let start: DateTime<Utc> = start.parse().unwrap();
    TestApp::start_on(fresh_database().await, Clock::manual(start), |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_counts_by_status_as_of_now() {
    let app = start_at("2030-03-15T12:00:00Z").await;
    let expiring = json!({ "expiresIn": 1 });
    for _ in 0..2 {
        app.create_consent_with(expiring.clone()).await;
    }
    let [approved, rejected, revoked, _pending] = [
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent().await,
    ];
    approve(&app.app, &approved).await.unwrap();
    let reject = ConsentCommand::Reject { assurance: passkey(app.clock().now()) };
    decide(&app.app, &rejected, reject).await.unwrap();
    app.api.delete(&path_of(&revoked)).await;
    let other = app.other_client().await;
    other.post(CONSENTS, &crate::support::reference_body()).await;
    app.advance(TimeDelta::minutes(1));
    let reply = app.api.get(&format!("{CONSENTS}/summary")).await;
    assert_eq!(reply.status, 200);
    let counts = json!({ "pending": 1, "approved": 1, "rejected": 1, "revoked": 1, "expired": 2 });
    assert_eq!(reply.data(), &json!({ "period": "2030-03", "total": 6, "counts": counts }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_a_calendar_month_in_utc() {
    let app = start_at("2030-03-31T23:59:59.999999Z").await;
    app.create_consent().await;
    app.advance(TimeDelta::microseconds(1));
    app.create_consent().await;
    app.create_consent().await;
    for (period, total) in [("2030-02", 0), ("2030-03", 1), ("2030-04", 2), ("2030-05", 0)] {
        let reply = app.api.get(&format!("{CONSENTS}/summary?period={period}")).await;
        assert_eq!((&reply.data()["period"], &reply.data()["total"]), (&json!(period), &json!(total)));
    }
    assert_eq!(app.api.get(&format!("{CONSENTS}/summary")).await.data()["period"], "2030-04");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_month_is_a_bad_parameter() {
    let app = TestApp::start().await;
    for period in
        ["", "2030", "2030-00", "2030-13", "2030-3", "30-03", "2030-03-01", "%2B030-03", "2030-%2B3", "x"]
    {
        let reply = app.api.get(&format!("{CONSENTS}/summary?period={period}")).await;
        assert_eq!(reply.status, 400, "{period}: {}", reply.text);
        assert_eq!(reply.errors(), ["period:invalid_parameter"]);
    }
}
