//! Who hears of what.

use std::time::Duration;

use chrono::TimeDelta;
use mobid_projections::webhook::delivery::{self, Room};
use serde_json::json;

use super::subscriber::Subscriber;
use super::{deliveries, due, register, until, until_settled};
use crate::support::TestApp;

fn no_callback() -> serde_json::Value {
    json!({ "callbackUrl": null })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_goes_to_each_endpoint_that_wants_it_once() {
    let app = TestApp::start().await;
    let (all, created_only) = (Subscriber::start().await, Subscriber::start().await);
    register(&app.api, &all.url(), &[]).await;
    register(&app.api, &created_only.url(), &["consent.created", "consent.expired"]).await;
    let id = app.create_consent_with(no_callback()).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "login" })).await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let settled = until_settled(&app).await;
    assert_eq!(settled.len(), 4);
    assert!(settled.iter().all(|d| d.status == "succeeded" && d.attempts == 1 && d.error.is_none()));
    assert_eq!(due(&app).await, 0);
    let mut types: Vec<_> =
        all.bodies().iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect();
    types.sort();
    assert_eq!(types, ["consent.created", "consent.revoked", "consent.updated"]);
    assert_eq!(created_only.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_shows_the_resource_as_it_was_at_the_event() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::start().await;
    register(&app.api, &subscriber.url(), &[]).await;
    subscriber.hold();
    let id = app.create_consent_with(no_callback()).await;
    let path = format!("/v1/service/consents/{id}");
    let as_created = app.api.get(&path).await;
    let created_at = app.clock().now();
    app.advance(TimeDelta::seconds(1));
    app.api.patch(&path, &json!({ "purpose": "login" })).await;
    let as_updated = app.api.get(&path).await;
    subscriber.has_received(2).await;
    subscriber.let_go();
    until_settled(&app).await;
    let bodies = subscriber.bodies();
    let of = |name: &str| bodies.iter().find(|body| body["type"] == name).unwrap();
    for (name, seen, sequence) in [("consent.created", &as_created, 1), ("consent.updated", &as_updated, 2)] {
        let mut expected = seen.data().clone();
        expected["sequence"] = json!(sequence);
        assert!(expected.as_object_mut().unwrap().remove("watchToken").is_some(), "which no webhook tells");
        assert_eq!(of(name)["data"], expected);
    }
    assert_eq!(of("consent.created")["timestamp"], json!(created_at));
    let keys: Vec<_> = of("consent.created").as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["data", "timestamp", "type"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_only_of_what_comes_after_it() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::start().await;
    app.create_consent_with(no_callback()).await;
    register(&app.api, &subscriber.url(), &[]).await;
    let later = app.create_consent_with(no_callback()).await;
    assert_eq!(until_settled(&app).await.len(), 1);
    assert_eq!(subscriber.bodies()[0]["data"]["id"], later);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_endpoint_hears_nothing_more_not_even_a_retry() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::answering(&[500]).await;
    let (id, _) = register(&app.api, &subscriber.url(), &[]).await;
    app.create_consent_with(no_callback()).await;
    until(&app, |all| all.len() == 1 && all[0].attempts == 1).await;
    app.api.delete(&format!("/v1/webhooks/{id}")).await;
    app.create_consent_with(no_callback()).await;
    app.advance(TimeDelta::seconds(10));
    let settled = until_settled(&app).await;
    assert_eq!(settled.len(), 1);
    assert_eq!((settled[0].status.as_str(), settled[0].attempts), ("cancelled", 1));
    assert_eq!(settled[0].error.as_deref(), Some("endpoint_deleted"));
    assert_eq!(subscriber.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_clients_events_are_never_heard() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let (ours, theirs) = (Subscriber::start().await, Subscriber::start().await);
    register(&app.api, &ours.url(), &[]).await;
    register(&other, &theirs.url(), &[]).await;
    let id = app.create_consent_with(no_callback()).await;
    until_settled(&app).await;
    assert_eq!(ours.bodies()[0]["data"]["id"], id);
    assert_eq!(theirs.received().len(), 0);
    assert_eq!(deliveries(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_sender_died_is_made_again_when_its_claim_ends() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::answering(&[500, 200]).await;
    register(&app.api, &subscriber.url(), &[]).await;
    app.create_consent_with(no_callback()).await;
    until(&app, |all| all.len() == 1 && all[0].attempts == 1).await;
    // A sender whose clock is a little ahead claims the retry, and is never heard of again.
    let now = app.clock().now() + TimeDelta::seconds(10);
    let room = Room { deliveries: 10, per_lane: 10, lanes: &[] };
    let claim = (mobid::ids::new_id(), Duration::from_secs(4));
    let claimed = delivery::claim(app.pool(), now, claim, &room).await.unwrap();
    assert_eq!(claimed.len(), 1);
    app.advance(TimeDelta::seconds(10));
    assert_eq!(due(&app).await, 0);
    assert_eq!(subscriber.received().len(), 1);
    until_settled(&app).await;
    let received = subscriber.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].id(), received[1].id());
    // The dead sender comes back and settles: that changes nothing.
    let late = delivery::Settled {
        id: claimed[0].id.clone(),
        claim_id: claimed[0].claim_id,
        outcome: delivery::Outcome::Retry(now),
        status_code: Some(500),
        error: None,
        at: now,
    };
    delivery::settle(app.pool(), &[late]).await.unwrap();
    assert_eq!(until_settled(&app).await[0].status, "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_leaves_room_for_other_receivers() {
    let app = TestApp::start().await;
    let (slow, quick) = (Subscriber::start().await, Subscriber::start().await);
    register(&app.api, &slow.url(), &["consent.created"]).await;
    slow.hold();
    for _ in 0..20 {
        app.create_consent_with(no_callback()).await;
    }
    register(&app.api, &quick.url(), &["consent.updated"]).await;
    let id = app.create_consent_with(no_callback()).await;
    slow.has_received(16).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "login" })).await;
    quick.has_received(1).await;
    assert_eq!(slow.received().len(), 16);
    slow.let_go();
    assert_eq!(until_settled(&app).await.len(), 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_was_begun() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::start().await;
    register(&app.api, &subscriber.url(), &[]).await;
    subscriber.hold();
    app.create_consent_with(no_callback()).await;
    subscriber.has_received(1).await;
    let pool = app.pool().clone();
    let (mut stopped, mut let_go) = (Box::pin(app.stop()), false);
    loop {
        let looked = tokio::time::timeout(std::time::Duration::from_millis(200), &mut stopped).await;
        match (looked, let_go) {
            (Ok(()), true) => break,
            (Ok(()), false) => panic!("it stopped while a delivery was under way"),
            (Err(_), _) => {
                subscriber.let_go();
                let_go = true;
            }
        }
    }
    let status = sqlx::query_scalar::<_, String>("select status from webhook_deliveries");
    // The server's own pool is closed by now.
    let options = (*pool.connect_options()).clone();
    let fresh = sqlx::postgres::PgPoolOptions::new().connect_with(options).await.unwrap();
    assert_eq!(status.fetch_all(&fresh).await.unwrap(), ["succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_can_be_looked_back_on_for_thirty_days() {
    let app = TestApp::start().await;
    let (quick, failing) = (Subscriber::start().await, Subscriber::answering(&[500]).await);
    register(&app.api, &quick.url(), &["consent.created"]).await;
    register(&app.api, &failing.url(), &["consent.updated"]).await;
    let id = app.create_consent_with(no_callback()).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "login" })).await;
    until(&app, |all| all.len() == 2 && all.iter().all(|delivery| delivery.attempts == 1)).await;
    // One waits for its next attempt, and nobody makes it.
    sqlx::query("update webhook_deliveries set next_attempt_at = 'infinity' where status = 'pending'")
        .execute(app.pool())
        .await
        .unwrap();
    app.advance(TimeDelta::days(30));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    assert_eq!(deliveries(&app).await.len(), 2);
    app.advance(TimeDelta::seconds(1));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    let left = deliveries(&app).await;
    assert_eq!(left.iter().map(|d| d.status.as_str()).collect::<Vec<_>>(), ["pending"]);
}

/// While a receiver is down its deliveries pile up; each claim would read them all, to find that there is no room.
#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_of_one_receiver_is_not_read_to_get_past_it() {
    let app = TestApp::start().await;
    let insert = "insert into webhook_deliveries
                      (id, tenant, target, event_position, event_id, event_type, aggregate_type, aggregate_id, sequence)
                  select $1 || n, 'cl_1', $1, n, gen_random_uuid(), 'consent.created', 'consent', 'cs_' || n, 1
                  from generate_series(1, $2) n";
    let mut tx = app.pool().begin().await.unwrap();
    for (target, count) in [("we_down", 20_000), ("we_up", 5)] {
        sqlx::query(insert).bind(target).bind(count).execute(&mut *tx).await.unwrap();
    }
    let read = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
                from pg_stat_xact_user_tables where relname = 'webhook_deliveries'";
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    let full = [(("cl_1".to_owned(), "we_down".to_owned()), 0)];
    let room = Room { deliveries: 56, per_lane: 8, lanes: &full };
    let claim = (mobid::ids::new_id(), Duration::from_mins(1));
    let claimed = delivery::claim(&mut *tx, app.clock().now(), claim, &room).await.unwrap();
    assert_eq!(claimed.len(), 5);
    assert!(claimed.iter().all(|delivery| delivery.target == "we_up"));
    let rows: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert!(rows - before < 100, "it read {} rows", rows - before);
}
