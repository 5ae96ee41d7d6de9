//! Those who follow the log: what stops one, what two do to each other, and where a new one begins.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mobid_domain::consent::Consent;
use mobid_domain::recorded::Recorded;
use mobid_projections::consent::apply::{self, Consents};
use mobid_projections::expiry::Deadlines;
use mobid_projections::projection::{ApplyError, Follower, Projection, Reactor};
use mobid_projections::registry;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::progress::Condition;
use mobid_projections::stream::runner::Runner;
use mobid_projections::stream::wake::Wake;
use mobid_projections::stream::{checkpoint, reader, rebuild};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::support::{RawEvent, TestApp, admin_pool, append_raw, approve};

/// Waits until a follower of this server is stopped.
async fn stopped(app: &TestApp, name: &str) -> i64 {
    let mut condition = app.app.followers.named(name).unwrap().condition.clone();
    let stopped = condition.wait_for(|condition| matches!(condition, Condition::Stopped { .. }));
    let condition = tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap().unwrap();
    let Condition::Stopped { position, .. } = &*condition else { unreachable!() };
    *position
}

/// An event of a consent that nobody can read; its position.
async fn poison(app: &TestApp, id: &str, event_type: &str) -> i64 {
    let admin = admin_pool(&app.database_url()).await;
    let known = reader::of_aggregate(app.pool(), "consent", id, 0).await.unwrap();
    let event = RawEvent {
        tenant: &known[0].tenant,
        aggregate_type: "consent",
        aggregate_id: id,
        expected: known.last().unwrap().sequence,
        event_type,
        payload: r#"{"data":{},"type":"garbage"}"#,
        metadata: r#"{"commandId":"cmd_poison"}"#,
    };
    let (outcome, base) = append_raw(&admin, &event).await;
    assert_eq!(outcome, None);
    base + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_stops_those_who_read_it_and_no_others() {
    let app = TestApp::start().await;
    let (id, other) = (app.create_consent().await, app.create_consent().await);
    assert_eq!(app.api.get("/health/ready").await.status, 200);
    let position = poison(&app, &id, "consent.updated").await;
    for name in ["consents", "deadlines"] {
        assert_eq!(stopped(&app, name).await, position, "{name}");
    }
    let reply = app.api.get("/health/ready").await;
    assert_eq!((reply.status, reply.body), (503, json!({ "status": "unavailable" })));
    assert_eq!(app.api.get("/health/live").await.status, 200);
    assert_eq!(app.api.get("/v1/health").await.data()["status"], "degraded");
    let failures: Vec<(String, i32, i64, String)> =
        sqlx::query_as("select name, version, position, error from projection_failures order by name")
            .fetch_all(app.pool())
            .await
            .unwrap();
    let named: Vec<_> =
        failures.iter().map(|(name, version, at, _)| (name.as_str(), *version, *at)).collect();
    assert_eq!(named, [("consents", 1, position), ("deadlines", 1, position)]);
    for (.., error) in &failures {
        assert!(error.contains(&position.to_string()) && error.contains("consent.updated"), "{error}");
    }

    // Everything before the event is there; whoever does not read consents goes on past it.
    let later = app.create_consent().await;
    let head = reader::head(app.pool()).await.unwrap();
    for progress in app.app.followers.all() {
        let reads_consents = ["consents", "deadlines"].contains(&progress.name);
        let expected = if reads_consents { position - 1 } else { head };
        let wait = app.app.followers.wait_for(app.pool(), progress.name, expected, Duration::from_secs(10));
        assert_eq!(wait.await.unwrap(), expected, "{}", progress.name);
    }
    // What is not about that consent is served from the log; a list says how far it goes.
    for id in [&other, &later] {
        assert_eq!(app.api.get(&format!("/v1/service/consents/{id}")).await.status, 200);
    }
    assert_eq!(app.api.delete(&format!("/v1/service/consents/{other}")).await.status, 200);
    let list = app.api.get("/v1/service/consents").await;
    assert_eq!((list.status, list.header("x-log-position")), (200, (position - 1).to_string().as_str()));
    let broken = app.api.get(&format!("/v1/service/consents/{id}")).await;
    assert_eq!((broken.status, &broken.body["type"]), (500, &json!("server_error")));
    assert!(!broken.text.contains("garbage"), "{}", broken.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_keeps_no_other_consent_from_expiring() {
    let (app, _lease) = TestApp::start_unswept().await;
    let expiring = json!({ "expiresIn": 1 });
    let before = app.create_consent_with(expiring.clone()).await;
    let id = app.create_consent_with(expiring.clone()).await;
    let after = app.create_consent_with(expiring).await;
    app.caught_up().await;
    let position = poison(&app, &id, "consent.updated").await;
    assert_eq!(stopped(&app, "deadlines").await, position);
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(mobid::workers::expiry::sweep(&app.app).await.unwrap(), 2);
    for id in [before, after] {
        let reply = app.api.get(&format!("/v1/service/consents/{id}")).await;
        assert_eq!(reply.header("etag"), "\"2\"");
    }
}

/// Consents with a story each, and a server that is gone.
pub async fn a_log_with_stories(count: usize) -> (PgPool, String) {
    let app = TestApp::start().await;
    for n in 0..count {
        let id = app.create_consent_with(json!({ "metadata": { "n": n.to_string() } })).await;
        let path = format!("/v1/service/consents/{id}");
        if n % 2 == 0 {
            app.api.patch(&path, &json!({ "purpose": "login", "expiresIn": 7 })).await;
        }
        if n % 3 == 0 {
            approve(&app.app, &id).await.unwrap();
        }
        if n % 4 == 0 {
            app.api.delete(&path).await;
        }
    }
    app.caught_up().await;
    let url = app.database_url();
    app.stop().await;
    let pool = mobid::database::connect(url.parse().unwrap(), 10).await.unwrap();
    (pool, url)
}

/// Every row of a table as text, in order.
pub async fn rows(pool: &PgPool, table: &str) -> Vec<String> {
    let sql = format!("select t::text from {table} t order by 1");
    sqlx::query_scalar(&sql).fetch_all(pool).await.unwrap()
}

/// That each row of the read model is its consent's events, folded.
pub async fn assert_rows_are_folds(pool: &PgPool) {
    let ids: Vec<String> =
        sqlx::query_scalar("select distinct aggregate_id from events where aggregate_type = 'consent'")
            .fetch_all(pool)
            .await
            .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    let rows = apply::rows(&mut conn, &ids).await.unwrap();
    assert_eq!(rows.len(), ids.len());
    for id in ids {
        let events = reader::of_aggregate(pool, "consent", &id, 0).await.unwrap();
        let folded: Folded<Consent> = fold(&events).unwrap().unwrap();
        assert_eq!(rows[&id], folded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_made_again_from_the_log_is_the_same() {
    let (pool, _) = a_log_with_stories(30).await;
    for projection in registry::projections() {
        let table = match projection.name() {
            "consents" => "consents",
            "deadlines" => "deadlines",
            "devices" => "devices",
            _ => "webhook_endpoints",
        };
        let before = rows(&pool, table).await;
        assert!(["devices", "webhook_endpoints"].contains(&table) || !before.is_empty());
        let mut conn = pool.acquire().await.unwrap();
        rebuild::reset(&mut conn, projection.as_ref()).await.unwrap();
        assert_eq!(rows(&pool, table).await, Vec::<String>::new());
        drop(conn);
        let (mut runner, _) = Runner::new(pool.clone(), Follower::Projection(projection), &Wake::default());
        let head = reader::head(&pool).await.unwrap();
        assert_eq!(runner.catch_up().await.unwrap(), head);
        assert_eq!(rows(&pool, table).await, before, "{table}");
    }
    assert_rows_are_folds(&pool).await;
}

/// The lease only saves work: what fences two that both believe to hold it is the checkpoint's row.
#[tokio::test(flavor = "multi_thread")]
async fn two_runners_of_one_projection_without_a_lease_corrupt_nothing() {
    let (pool, _) = a_log_with_stories(60).await;
    let consents = rows(&pool, "consents").await;
    let deadlines = rows(&pool, "deadlines").await;
    let head = reader::head(&pool).await.unwrap();
    for _ in 0..5 {
        for projection in [&Consents as &dyn Projection, &Deadlines] {
            rebuild::reset(&mut pool.acquire().await.unwrap(), projection).await.unwrap();
        }
        let mut runs = tokio::task::JoinSet::new();
        for _ in 0..3 {
            for projection in [Box::new(Consents) as Box<dyn Projection>, Box::new(Deadlines)] {
                let follower = Follower::Projection(projection);
                let (mut runner, _) = Runner::new(pool.clone(), follower, &Wake::default());
                runs.spawn(async move { runner.catch_up().await.unwrap() });
            }
            // One that takes a few events at a time gets in between the others.
            let pool = pool.clone();
            runs.spawn(async move {
                let mut conn = pool.acquire().await.unwrap();
                let mut at = -1;
                loop {
                    match rebuild::step(&mut conn, &Consents, 3).await.unwrap() {
                        same if same == at => return same,
                        moved => at = moved,
                    }
                }
            });
        }
        while let Some(reached) = runs.join_next().await {
            assert_eq!(reached.unwrap(), head);
        }
        for name in ["consents", "deadlines"] {
            assert_eq!(checkpoint::read(&pool, name, 1).await.unwrap(), Some(head));
        }
        assert_eq!(rows(&pool, "consents").await, consents);
        assert_eq!(rows(&pool, "deadlines").await, deadlines);
    }
    assert_rows_are_folds(&pool).await;
}

/// Remembers what it was shown.
#[derive(Clone)]
struct Witness {
    version: i32,
    concerned_with: Option<&'static str>,
    seen: Arc<Mutex<Vec<i64>>>,
}

#[async_trait]
impl Reactor for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }
    fn version(&self) -> i32 {
        self.version
    }
    async fn react(&self, _: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        self.seen.lock().unwrap().extend(events.iter().map(|event| event.position));
        Ok(())
    }
}

#[async_trait]
impl Projection for Witness {
    fn name(&self) -> &'static str {
        "witness_projection"
    }
    fn version(&self) -> i32 {
        self.version
    }
    fn concerns(&self, event: &Recorded) -> bool {
        self.concerned_with.is_none_or(|aggregate_type| event.aggregate_type == aggregate_type)
    }
    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        self.react(conn, events).await
    }
    async fn reset(&self, _: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.seen.lock().unwrap().clear();
        Ok(())
    }
}

impl Witness {
    fn new(version: i32) -> Self {
        Self { version, concerned_with: None, seen: Arc::default() }
    }

    fn seen(&self) -> Vec<i64> {
        self.seen.lock().unwrap().clone()
    }

    fn reacting(&self, app: &TestApp) -> Runner {
        let follower = Follower::Reactor(Box::new(self.clone()));
        Runner::new(app.pool().clone(), follower, &app.app.wake).0
    }

    fn projecting(&self, app: &TestApp) -> Runner {
        let follower = Follower::Projection(Box::new(self.clone()));
        Runner::new(app.pool().clone(), follower, &app.app.wake).0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reactor_begins_at_the_head_and_a_new_projection_at_the_first_event() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let head = reader::head(app.pool()).await.unwrap();
    let (reactor, projection) = (Witness::new(1), Witness::new(1));
    assert_eq!(reactor.reacting(&app).catch_up().await.unwrap(), head);
    assert_eq!(projection.projecting(&app).catch_up().await.unwrap(), head);
    assert_eq!(reactor.seen(), Vec::<i64>::new());
    assert_eq!(projection.seen(), (1..=head).collect::<Vec<_>>());
    app.create_consent().await;
    reactor.reacting(&app).catch_up().await.unwrap();
    projection.projecting(&app).catch_up().await.unwrap();
    assert_eq!(reactor.seen(), [head + 1]);
    assert_eq!(projection.seen(), (1..=head + 1).collect::<Vec<_>>(), "each event once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_gets_past_what_does_not_concern_a_follower() {
    let app = TestApp::start().await;
    let witness = Witness { concerned_with: Some("nothing"), ..Witness::new(1) };
    let mut runner = witness.projecting(&app);
    for _ in 0..3 {
        app.create_consent().await;
        let head = reader::head(app.pool()).await.unwrap();
        assert_eq!(runner.catch_up().await.unwrap(), head);
        let kept = checkpoint::read(app.pool(), "witness_projection", 1).await.unwrap();
        assert_eq!(kept, Some(head));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_follower_went_past_counts_again_once_its_rows_are_made_anew() {
    let app = TestApp::start().await;
    let witness = Witness { concerned_with: Some("consent"), ..Witness::new(1) };
    let mut runner = witness.projecting(&app);
    let id = app.create_consent().await;
    runner.catch_up().await.unwrap();
    app.other_client().await;
    runner.catch_up().await.unwrap();

    rebuild::reset(&mut app.pool().acquire().await.unwrap(), &witness).await.unwrap();
    approve(&app.app, &id).await.unwrap();
    runner.catch_up().await.unwrap();
    let consents: Vec<_> = reader::of_aggregate(app.pool(), "consent", &id, 0).await.unwrap();
    let seen = witness.seen();
    assert_eq!(consents.len(), 2);
    for event in consents {
        assert_eq!(seen.iter().filter(|position| **position == event.position).count(), 1, "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_leaves_the_log_to_a_newer_one() {
    let app = TestApp::start().await;
    let (old, new) = (Witness::new(1), Witness::new(2));
    old.projecting(&app).catch_up().await.unwrap();
    let seen = old.seen();
    new.projecting(&app).take_place().await.unwrap();
    app.create_consent().await;
    old.projecting(&app).catch_up().await.unwrap();
    assert_eq!(old.seen(), seen, "it stands by");
    let head = reader::head(app.pool()).await.unwrap();
    new.projecting(&app).catch_up().await.unwrap();
    assert_eq!(new.seen(), (1..=head).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_of_a_reactor_goes_on_where_the_older_one_is() {
    let app = TestApp::start().await;
    let (old, new) = (Witness::new(1), Witness::new(2));
    let begun = old.reacting(&app).catch_up().await.unwrap();
    app.create_consent().await;
    new.reacting(&app).take_place().await.unwrap();
    new.reacting(&app).catch_up().await.unwrap();
    assert_eq!(new.seen(), [begun + 1]);
    old.reacting(&app).catch_up().await.unwrap();
    assert_eq!(old.seen(), Vec::<i64>::new());
}

/// With a backlog that the older version did not come to.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_reactor_goes_on_where_the_older_one_was() {
    let app = TestApp::start().await;
    let (old, new) = (Witness::new(1), Witness::new(2));
    let head = old.reacting(&app).catch_up().await.unwrap();
    app.create_consent().await;
    new.reacting(&app).take_place().await.unwrap();
    app.create_consent().await;
    old.reacting(&app).catch_up().await.unwrap();
    assert_eq!(old.seen(), Vec::<i64>::new(), "the newer one's work");
    new.reacting(&app).catch_up().await.unwrap();
    assert_eq!(new.seen(), [head + 1, head + 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_projection_stops_once_a_newer_one_has_begun() {
    let app = TestApp::start().await;
    let (old, new) = (Witness::new(1), Witness::new(2));
    let head = old.projecting(&app).catch_up().await.unwrap();
    new.projecting(&app).take_place().await.unwrap();
    app.create_consent().await;
    old.projecting(&app).catch_up().await.unwrap();
    assert_eq!(old.seen(), (1..=head).collect::<Vec<_>>());
    new.projecting(&app).catch_up().await.unwrap();
    assert_eq!(new.seen(), (1..=head + 1).collect::<Vec<_>>());
}

/// By NOTIFY: the slow poll that stands behind it would take seconds.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_hears_at_once_of_what_another_appends() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut growth = twin.app.wake.subscribe();
    for _ in 0..10 {
        app.create_consent().await;
        let head = reader::head(app.pool()).await.unwrap();
        let news = growth.wait_for(|known| *known >= head);
        assert!(*tokio::time::timeout(Duration::from_secs(5), news).await.unwrap().unwrap() >= head);
    }
}
