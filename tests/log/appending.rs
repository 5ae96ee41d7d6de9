//! Positions, times, claims, and commands that are sent twice.

use chrono::{DateTime, Utc};
use futures::future::join_all;
use mobid::clock::Clock;
use mobid_projections::stream::reader;
use serde_json::json;

use crate::support::{RawEvent, TestApp, append_raw, fresh_database};

/// 64 writers at two instances, creating and changing.
#[tokio::test(flavor = "multi_thread")]
async fn positions_have_no_gap_and_time_never_runs_backwards() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    join_all((0..64).map(async |n| {
        let api = if n % 2 == 0 { &app.api } else { &twin.api };
        for _ in 0..4 {
            let reply = api.post("/v1/service/consents", &crate::support::reference_body()).await;
            let path = format!("/v1/service/consents/{}", reply.id());
            assert_eq!(api.patch(&path, &json!({ "purpose": "login" })).await.status, 200);
            assert_eq!(api.delete(&path).await.status, 200);
        }
    }))
    .await;
    let rows: Vec<(i64, DateTime<Utc>)> =
        sqlx::query_as("select position, recorded_at from events order by position")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(rows.len(), 1 + 64 * 4 * 3);
    for (expected, (position, _)) in (1..).zip(&rows) {
        assert_eq!(*position, expected);
    }
    for pair in rows.windows(2) {
        assert!(pair[0].1 <= pair[1].1, "{pair:?}");
    }
    let gaps: i64 = sqlx::query_scalar(
        "select count(*) from (select sequence, row_number() over
             (partition by aggregate_type, aggregate_id order by position) as n from events) s
         where sequence <> n",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(gaps, 0, "sequences follow positions");
}

/// The first event of an aggregate.
fn happened<'a>(aggregate_id: &'a str, metadata: &'a str) -> RawEvent<'a> {
    let (tenant, aggregate_type, event_type) = ("cl_1", "test", "test.happened");
    RawEvent { tenant, aggregate_type, aggregate_id, expected: 0, event_type, payload: "{}", metadata }
}

/// As a connection that is lost before its answer makes it happen.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_sent_again_is_in_once() {
    let app = TestApp::start().await;
    let event = happened("a", r#"{"commandId":"cmd_1"}"#);
    let head = reader::head(app.pool()).await.unwrap();
    assert_eq!(append_raw(app.pool(), &event).await, (None, head));
    assert_eq!(append_raw(app.pool(), &event).await, (Some("appended".to_owned()), head + 1));
    let other = RawEvent { metadata: r#"{"commandId":"cmd_2"}"#, ..event.clone() };
    assert_eq!(append_raw(app.pool(), &other).await.0.as_deref(), Some("conflict"));
    let ahead = RawEvent { expected: 2, ..other };
    assert_eq!(append_raw(app.pool(), &ahead).await.0.as_deref(), Some("conflict"), "nothing to follow");
    assert_eq!(reader::head(app.pool()).await.unwrap(), head + 1);
    assert_eq!(reader::of_aggregate(app.pool(), "test", "a", 0).await.unwrap().len(), 1);
}

/// Commands of one batch, the events of each after another: of two events, of one that is late, of one whose claim is taken
/// and of one with a claim of its own.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_only_those_lose_who_have_to_and_all_of_a_command_goes_in_or_nothing() {
    let app = TestApp::start().await;
    let (_, head) = append_raw(app.pool(), &happened("late", r#"{"commandId":"cmd_0"}"#)).await;
    sqlx::query("insert into claims values ('test', '\\x01', 'test', 'other')")
        .execute(app.pool())
        .await
        .unwrap();
    let sent = || async {
        let sql = r"
            with sent(command, nth, id, expected) as (values
                (1, 1, 'two', 0), (1, 2, 'two', 0), (2, 1, 'late', 0), (2, 2, 'late', 0), (3, 1, 'taken', 0), (4, 1, 'claims', 0))
            select base, outcomes, positions from append_batch(
                (select array_agg(row(command, nth, gen_random_uuid(), 'cl_1', 'test', id, expected::bigint, 'test.happened', '1',
                     '{}', json_build_object('commandId', 'cmd_' || command))::new_event order by command, nth) from sent),
                '{3,4}', '{test,test}', array['\x01'::bytea, '\x02'], '{test,test}', '{taken,claims}',
                '{}', '{}', '{}', '{}', '{}', '{}')";
        sqlx::query_as::<_, (i64, Vec<Option<String>>, Vec<Option<i64>>)>(sql)
            .fetch_one(app.pool())
            .await
            .unwrap()
    };
    let (base, outcomes, _) = sent().await;
    assert_eq!(base, head + 1);
    let outcomes: Vec<_> = outcomes.iter().map(Option::as_deref).collect();
    assert_eq!(outcomes, [None, Some("conflict"), Some("claimed"), None]);
    let stored: Vec<(i64, String, i64)> = sqlx::query_as(
        "select position, aggregate_id, sequence from events where position > $1 order by position",
    )
    .bind(base)
    .fetch_all(app.pool())
    .await
    .unwrap();
    let two = |position, sequence| (base + position, "two".to_owned(), sequence);
    assert_eq!(stored, [two(1, 1), two(2, 2), (base + 3, "claims".to_owned(), 1)]);
    let claims: Vec<(Vec<u8>, String)> =
        sqlx::query_as("select key, aggregate_id from claims where kind = 'test' order by key")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(claims, [(vec![1], "other".to_owned()), (vec![2], "claims".to_owned())]);

    let (_, outcomes, positions) = sent().await;
    let outcomes: Vec<_> = outcomes.iter().map(Option::as_deref).collect();
    assert_eq!(outcomes, [Some("appended"), Some("conflict"), Some("claimed"), Some("appended")]);
    assert_eq!((positions[0], positions[3]), (Some(base + 1), Some(base + 3)));
    assert_eq!(reader::head(app.pool()).await.unwrap(), base + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_at_once_make_one_owner() {
    for _ in 0..5 {
        let database = fresh_database().await;
        let clock = Clock::manual("2030-01-01T00:00:00Z".parse().unwrap());
        let start = || TestApp::start_on(database.clone(), clock.clone(), |_| {});
        let (one, other) = tokio::join!(start(), start());
        let owners: Vec<_> = [&one, &other].into_iter().filter(|app| !app.api.key.is_empty()).collect();
        assert_eq!(owners.len(), 1);
        for app in [&one, &other] {
            let knows = owners[0].api.at(&app.api).get("/v1/health").await;
            assert_eq!(knows.status, 200);
            let has_file = mobid::owner::path(app.data_dir()).exists();
            assert_eq!(has_file, !app.api.key.is_empty(), "a key that is nobody's is not left in a file");
        }
        let created: i64 =
            sqlx::query_scalar("select count(*) from events where event_type = 'client.created'")
                .fetch_one(one.pool())
                .await
                .unwrap();
        assert_eq!(created, 1);
    }
}
