//! Two who both believe to hold a lease do no harm: what fences them is the checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mobid_projections::notice::LinkNotices;
use mobid_projections::projection::{Follower, Reactor};
use mobid_projections::stream::reader;
use mobid_projections::stream::runner::Runner;
use mobid_projections::stream::wake::Wake;
use mobid_projections::webhook::outbox::Outbox;
use serde_json::json;
use sqlx::PgPool;

use crate::following::assert_rows_are_folds;
use crate::support::{TestApp, admin_pool};

/// Writers at a time.
const WRITERS: usize = 6;

/// Creates consents, changes some and revokes some, until told to stop; answers how many there are.
async fn write(app: &TestApp, stop: &AtomicBool) -> usize {
    let writer = async |_: usize| {
        let mut made = 0;
        while !stop.load(Ordering::Relaxed) {
            let id = app.create_consent_with(json!({ "callbackUrl": null, "notify": made % 2 == 0 })).await;
            let path = format!("/v1/service/consents/{id}");
            if made % 2 == 0 {
                assert_eq!(app.api.patch(&path, &json!({ "purpose": "login" })).await.status, 200);
            }
            if made % 3 == 0 {
                assert_eq!(app.api.delete(&path).await.status, 200);
            }
            made += 1;
        }
        made
    };
    futures::future::join_all((0..WRITERS).map(writer)).await.into_iter().sum()
}

/// That each event of a consent has one delivery to the one endpoint, and each is work that was done once.
async fn assert_one_delivery_an_event(pool: &PgPool) {
    let (events, deliveries, distinct): (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from events where aggregate_type = 'consent'),
                (select count(*) from webhook_deliveries),
                (select count(distinct event_position) from webhook_deliveries)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!((deliveries, distinct), (events, events));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_lost_again_and_again_corrupts_nothing() {
    let one = TestApp::start().await;
    let (two, three) = (one.twin().await, one.twin().await);
    let endpoint = one.api.post("/v1/webhooks", &json!({ "url": "http://127.0.0.1:9/hook" })).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.text);
    let admin = admin_pool(&one.database_url()).await;
    let stop = AtomicBool::new(false);
    let rob = async {
        let (mut lost, mut pace) = (0, tokio::time::interval(Duration::from_millis(100)));
        // However slow the machine is.
        while lost <= 60 {
            pace.tick().await;
            // Who held it goes on for a moment, while another takes it.
            lost += sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where application_name = 'mobid lease' and datname = current_database()",
            )
            .execute(&admin)
            .await
            .unwrap()
            .rows_affected();
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (made, ()) = tokio::join!(write(&two, &stop), rob);
    assert!(made > 20, "{made} consents");
    for app in [&one, &two, &three] {
        app.caught_up().await;
    }
    assert_rows_are_folds(one.pool()).await;
    assert_one_delivery_an_event(one.pool()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactors_without_a_lease_do_no_work_twice() {
    let app = TestApp::start().await;
    let endpoint = app.api.post("/v1/webhooks", &json!({ "url": "http://127.0.0.1:9/hook" })).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.text);
    let stop = Arc::new(AtomicBool::new(false));
    let mut intruders = tokio::task::JoinSet::new();
    for n in 0..6 {
        let (pool, stop) = (app.pool().clone(), stop.clone());
        intruders.spawn(async move {
            let reactor: Box<dyn Reactor> = if n % 2 == 0 {
                Box::new(Outbox { new_id: mobid::ids::new_id })
            } else {
                Box::new(LinkNotices)
            };
            let (mut runner, _) = Runner::new(pool, Follower::Reactor(reactor), &Wake::default());
            let mut turns = 0;
            while !stop.load(Ordering::Relaxed) {
                runner.catch_up().await.unwrap();
                turns += 1;
            }
            turns
        });
    }
    let enough = async {
        while reader::head(app.pool()).await.unwrap() < 300 {
            tokio::task::yield_now().await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(write(&app, &stop), enough);
    while let Some(turns) = intruders.join_next().await {
        assert!(turns.unwrap() > 0, "it took part");
    }
    app.caught_up().await;
    assert_one_delivery_an_event(app.pool()).await;
}
