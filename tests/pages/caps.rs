//! How many codes are sent and tried.

use chrono::TimeDelta;
use serde_json::json;

use super::{ALL, Visitor, last_code, wrong};
use crate::support::{TestApp, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sends_five_codes_an_hour_and_no_more() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for _ in 0..5 {
        // Another browser each time: the cap is not the session's.
        assert_eq!(Visitor::new(&app).ask(&id, "approve", &ALL).await.status, 303);
    }
    let mut ann = Visitor::new(&app);
    let page = ann.ask(&id, "approve", &ALL).await;
    assert_eq!((page.status, page.heading()), (429, "Too many codes"));
    assert_eq!(page.header("retry-after"), "3600");
    assert_eq!(app.outbox().len(), 5);
    app.advance(TimeDelta::hours(1));
    assert_eq!(ann.ask(&id, "approve", &ALL).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_sent_ten_codes_an_hour_whatever_they_are_asked() {
    let app = TestApp::start().await;
    let mut statuses = vec![];
    for _ in 0..4 {
        let id = app.create_consent().await;
        for _ in 0..3 {
            statuses.push(Visitor::new(&app).ask(&id, "reject", &[]).await.status);
        }
    }
    assert_eq!(statuses[..10], [303; 10]);
    assert_eq!(statuses[10..], [429; 2]);
    assert_eq!(app.outbox().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_takes_twenty_tries_an_hour_over_all_its_codes() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for _ in 0..4 {
        let mut mallory = Visitor::new(&app);
        mallory.ask(&id, "approve", &ALL).await;
        for _ in 0..5 {
            assert_eq!(mallory.enter(&id, &wrong(&last_code(&app))).await.status, 422);
        }
    }
    let mut ann = Visitor::new(&app);
    assert_eq!(ann.ask(&id, "approve", &ALL).await.status, 303);
    let page = ann.enter(&id, &last_code(&app)).await;
    assert_eq!((page.status, page.heading()), (429, "Too many codes"), "even the right one");
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_and_codes_are_removed_after_their_end() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    Visitor::new(&app).decide(&app, &id, "approve", &ALL).await;
    app.advance(TimeDelta::hours(25));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    for table in ["one_time_codes", "page_proofs", "page_caps"] {
        let sql = format!("select count(*) from {table}");
        let left: i64 = sqlx::query_scalar(&sql).fetch_one(app.pool()).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_sent_ten_links_an_hour_whoever_wants_them_sent() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut body = reference_body();
    (body["notify"], body["recipient"]) = (json!(true), json!("ann@example.com"));
    for client in [&app.api, &other] {
        for _ in 0..6 {
            assert_eq!(client.post("/v1/service/consents", &body).await.status, 200);
        }
    }
    let put_off = "select count(*) from link_notices where next_attempt_at > $1";
    let mut waiting = 0_i64;
    while waiting < 2 || app.outbox().len() < 10 {
        app.caught_up().await;
        mobid::workers::notices::send_due(&app.app).await.unwrap();
        let asked = sqlx::query_scalar(put_off).bind(app.clock().now());
        waiting = asked.fetch_one(app.pool()).await.unwrap();
    }
    assert_eq!((waiting, app.outbox().len()), (2, 10));
    app.advance(TimeDelta::hours(1));
    while app.outbox().len() < 12 {
        mobid::workers::notices::send_due(&app.app).await.unwrap();
    }
}
