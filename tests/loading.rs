//! Projections that are made from a long log aggregate by aggregate: what they are then, and what may come between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mobid_domain::recorded::Recorded;
use mobid_projections::consent::apply::Consents;
use mobid_projections::expiry::Deadlines;
use mobid_projections::projection::{ApplyError, Follower, Projection};
use mobid_projections::stream::load::{self, Load, Loaded, Loading};
use mobid_projections::stream::progress::Condition;
use mobid_projections::stream::runner::Runner;
use mobid_projections::stream::wake::Wake;
use mobid_projections::stream::{checkpoint, reader, rebuild};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;

use crate::following::{a_log_with_stories, assert_rows_are_folds, rows};
use crate::support::{RawEvent, admin_pool, append_raw};

/// Events that are held at a time: few, so that every aggregate's are torn apart somewhere.
const FEW: i64 = 3;

/// One that counts what it applies by itself.
struct Counting<P>(P, Arc<AtomicUsize>);

#[async_trait]
impl<P: Projection> Projection for Counting<P> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn version(&self) -> i32 {
        self.0.version()
    }
    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        self.1.fetch_add(events.len(), Ordering::Relaxed);
        self.0.apply(conn, events).await
    }
    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.0.reset(conn).await
    }
    fn load(&self) -> Option<Load> {
        self.0.load()
    }
}

fn both() -> [(&'static str, Box<dyn Projection>); 2] {
    [("consents", Box::new(Consents)), ("deadlines", Box::new(Deadlines))]
}

fn loading(pool: &PgPool, projection: impl Projection + 'static) -> Runner {
    let follower = Follower::Projection(Box::new(projection));
    Runner::new(pool.clone(), follower, &Wake::default()).0.loading_from(FEW)
}

async fn reset(pool: &PgPool, projection: &dyn Projection) {
    rebuild::reset(&mut pool.acquire().await.unwrap(), projection).await.unwrap();
}

/// The definitions of every index, in order.
async fn indexes(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select indexdef from pg_indexes where schemaname = 'public' order by indexname")
        .fetch_all(pool)
        .await
        .unwrap()
}

/// A load of consents that has begun.
async fn begun(pool: &PgPool) -> Loading {
    let options = pool.connect_options();
    let lease = load::lease(&options, "consents").await.unwrap().unwrap();
    let head = reader::head(pool).await.unwrap();
    let load = Consents.load().unwrap();
    Loading::begin(&options, &Consents, load, lease, head, FEW).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_was_loaded_is_as_one_that_followed_and_has_the_indexes_of_a_fresh_database() {
    let (pool, _) = a_log_with_stories(30).await;
    let migrated = indexes(&pool).await;
    let head = reader::head(&pool).await.unwrap();
    let applied = Arc::new(AtomicUsize::new(0));
    for table in ["consents", "deadlines"] {
        let before = rows(&pool, table).await;
        assert!(!before.is_empty());
        let reached = if table == "consents" {
            reset(&pool, &Consents).await;
            loading(&pool, Counting(Consents, applied.clone())).catch_up().await.unwrap()
        } else {
            reset(&pool, &Deadlines).await;
            loading(&pool, Counting(Deadlines, applied.clone())).catch_up().await.unwrap()
        };
        assert_eq!((reached, applied.load(Ordering::Relaxed)), (head, 0), "{table}");
        assert_eq!(checkpoint::read(&pool, table, 1).await.unwrap(), Some(head));
        assert_eq!(rows(&pool, table).await, before, "{table}");
        assert_eq!(indexes(&pool).await, migrated);
    }
    assert_rows_are_folds(&pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_cut_short_begins_again() {
    let (pool, _) = a_log_with_stories(10).await;
    let (before, migrated) = (rows(&pool, "consents").await, indexes(&pool).await);
    reset(&pool, &Consents).await;
    let mut cut = begun(&pool).await;
    for _ in 0..3 {
        assert!(matches!(cut.step(&mut pool.acquire().await.unwrap()).await.unwrap(), Loaded::Some));
    }
    drop(cut);
    assert_eq!(checkpoint::read(&pool, "consents", 1).await.unwrap(), Some(0));
    assert!((1..before.len()).contains(&rows(&pool, "consents").await.len()));
    assert_ne!(indexes(&pool).await, migrated);
    loading(&pool, Consents).catch_up().await.unwrap();
    assert_eq!(rows(&pool, "consents").await, before);
    assert_eq!(indexes(&pool).await, migrated);
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_that_a_process_did_not_come_to_are_made_by_the_next() {
    let (pool, _) = a_log_with_stories(10).await;
    let (before, migrated) = (rows(&pool, "consents").await, indexes(&pool).await);
    let head = reader::head(&pool).await.unwrap();
    reset(&pool, &Consents).await;
    let mut cut = begun(&pool).await;
    while !matches!(cut.step(&mut pool.acquire().await.unwrap()).await.unwrap(), Loaded::All(at) if at == head)
    {
    }
    drop(cut);
    assert_ne!(indexes(&pool).await, migrated);
    let follower = Follower::Projection(Box::new(Consents));
    let (mut next, _) = Runner::new(pool.clone(), follower, &Wake::default());
    assert_eq!(next.catch_up().await.unwrap(), head);
    assert_eq!(indexes(&pool).await, migrated);
    assert_eq!(rows(&pool, "consents").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_moves_the_checkpoint_meanwhile_ends_the_load_and_the_rows_come_out_the_same() {
    let (pool, _) = a_log_with_stories(10).await;
    let before = rows(&pool, "consents").await;
    reset(&pool, &Consents).await;
    let mut overtaken = begun(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    for _ in 0..4 {
        assert!(matches!(overtaken.step(&mut conn).await.unwrap(), Loaded::Some));
    }
    // Over rows that are ahead of it.
    let moved = rebuild::step(&mut conn, &Consents, 5).await.unwrap();
    assert!(moved > 0);
    assert!(matches!(overtaken.step(&mut conn).await.unwrap(), Loaded::Overtaken));
    assert_eq!(checkpoint::read(&pool, "consents", 1).await.unwrap(), Some(moved));
    drop((overtaken, conn));
    loading(&pool, Consents).catch_up().await.unwrap();
    assert_eq!(rows(&pool, "consents").await, before);

    // Somebody who empties the table has been there, too, though the checkpoint is where it was.
    reset(&pool, &Consents).await;
    let mut overtaken = begun(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    for _ in 0..4 {
        assert!(matches!(overtaken.step(&mut conn).await.unwrap(), Loaded::Some));
    }
    reset(&pool, &Consents).await;
    assert!(matches!(overtaken.step(&mut conn).await.unwrap(), Loaded::Overtaken));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_load_and_one_who_does_not_corrupt_nothing() {
    let (pool, _) = a_log_with_stories(40).await;
    let migrated = indexes(&pool).await;
    let (consents, deadlines) = (rows(&pool, "consents").await, rows(&pool, "deadlines").await);
    let head = reader::head(&pool).await.unwrap();
    for round in 0..4 {
        for (_, projection) in both() {
            reset(&pool, projection.as_ref()).await;
        }
        let mut runs = tokio::task::JoinSet::new();
        for _ in 0..2 {
            for mut runner in [loading(&pool, Consents), loading(&pool, Deadlines)] {
                runs.spawn(async move { runner.catch_up().await.unwrap() });
            }
            let by_the_tool = pool.clone();
            runs.spawn(async move {
                let mut conn = by_the_tool.acquire().await.unwrap();
                let options = by_the_tool.connect_options();
                rebuild::load(&mut conn, &options, &Consents, head, FEW).await.unwrap();
                loop {
                    match rebuild::step(&mut conn, &Consents, 3).await.unwrap() {
                        at if at == head => return at,
                        _ => {}
                    }
                }
            });
        }
        if round % 2 == 0 {
            // One that knows of no load gets in between the others.
            let pool = pool.clone();
            runs.spawn(async move {
                let mut conn = pool.acquire().await.unwrap();
                loop {
                    match rebuild::step(&mut conn, &Consents, 3).await.unwrap() {
                        at if at == head => return at,
                        _ => {}
                    }
                }
            });
        }
        while let Some(reached) = runs.join_next().await {
            assert_eq!(reached.unwrap(), head);
        }
        assert_eq!(rows(&pool, "consents").await, consents);
        assert_eq!(rows(&pool, "deadlines").await, deadlines);
        assert_eq!(indexes(&pool).await, migrated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_meets_an_event_that_cannot_be_read_leaves_the_rows_of_what_comes_before_it() {
    let (pool, url) = a_log_with_stories(10).await;
    let (before, migrated) = (rows(&pool, "consents").await, indexes(&pool).await);
    let (id, tenant, expected): (String, String, i64) =
        sqlx::query_as("select id, tenant, sequence from consents order by id limit 1")
            .fetch_one(&pool)
            .await
            .unwrap();
    let event = RawEvent {
        tenant: &tenant,
        aggregate_type: "consent",
        aggregate_id: &id,
        expected,
        event_type: "consent.updated",
        payload: r#"{"data":{},"type":"garbage"}"#,
        metadata: r#"{"commandId":"cmd_poison"}"#,
    };
    let (outcome, base) = append_raw(&admin_pool(&url).await, &event).await;
    assert_eq!(outcome, None);
    reset(&pool, &Consents).await;
    let follower = Follower::Projection(Box::new(Consents));
    let (runner, mut progress) = Runner::new(pool.clone(), follower, &Wake::default());
    let (stop, stopping) = watch::channel(false);
    let run = tokio::spawn(runner.loading_from(FEW).run(stopping));
    let stopped = progress.condition.wait_for(|condition| matches!(condition, Condition::Stopped { .. }));
    let condition = tokio::time::timeout(Duration::from_secs(20), stopped).await.unwrap().unwrap().clone();
    assert!(
        matches!(&condition, Condition::Stopped { position, .. } if *position == base + 1),
        "{condition:?}"
    );
    assert_eq!(rows(&pool, "consents").await, before);
    assert_eq!(indexes(&pool).await, migrated);
    stop.send_replace(true);
    run.await.unwrap();
}
