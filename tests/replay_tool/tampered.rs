//! Every way to tamper with a log of consents and its rows, and what the tool calls it.

use std::collections::BTreeSet;

use serde_json::json;

use super::{each_column_is_found, replay_tool, tamper, with_consents};
use crate::support::TestApp;

/// Tampers, and expects these findings in this order.
async fn is_found(sql: &str, findings: &[&str]) {
    let (app, id) = with_consents().await;
    tamper(&app, &id, sql).await;
    let answer = replay_tool(&app, &["verify"]).await;
    assert_eq!(answer.findings(), findings, "{sql}");
    assert_eq!(answer.summary()["findings"], findings.len());
    assert_eq!(answer.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_position_is_found() {
    let sql = "delete from events where position = (
                   select position from events where aggregate_type = 'client' and $1 <> '' limit 1)";
    is_found(sql, &["positions_missing"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_end_was_cut_off_is_found() {
    let (app, id) = with_consents().await;
    let sql = "delete from events where position = (select max(position) from events) and $1 <> ''";
    tamper(&app, &id, sql).await;
    let answer = replay_tool(&app, &["verify"]).await;
    assert!(answer.findings().contains(&"checkpoint_beyond_log"), "{:?}", answer.lines);
    assert!(answer.findings().contains(&"row_without_events"), "{:?}", answer.lines);
    assert_eq!(answer.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sequence_is_found() {
    is_found("update events set sequence = 2 where aggregate_id = $1", &["sequence_gap"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_runs_backwards_is_found() {
    let sql = "update events set recorded_at = recorded_at - interval '1 day'
               where $1 <> '' and position = (select max(position) from events)";
    is_found(sql, &["time_backwards"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_payload_is_found_by_the_row_that_knew_better() {
    let sql = r#"update events set payload = replace(payload::text, '"purpose":"', '"purpose":"x')::json
                 where aggregate_id = $1"#;
    is_found(sql, &["row_differs"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_can_read_is_found() {
    let sql = "update events set payload = '{}' where aggregate_id = $1";
    is_found(sql, &["unreadable_event", "does_not_fold"]).await;
    let sql = r#"update events set metadata = '{"commandId": 1}' where aggregate_id = $1"#;
    is_found(sql, &["unreadable_metadata"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_row_is_found() {
    is_found("update consents set status = 'approved' where id = $1", &["row_differs"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_any_column_changed_is_found_by_its_name() {
    let (app, id) = with_consents().await;
    let changes = [
        ("tenant", "tenant || 'x'"),
        ("user_id", "user_id || 'x'"),
        ("purpose", "purpose || 'x'"),
        ("created_at", "created_at + interval '1 microsecond'"),
        ("expires_at", "expires_at + interval '1 microsecond'"),
        ("sequence", "sequence + 1"),
        ("state", "replace(state::text, 'pending', 'expired')::json"),
    ];
    each_column_is_found(&app, "consents", &id, &changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_row_is_found() {
    is_found("delete from consents where id = $1", &["row_missing"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_many_is_found() {
    let sql = "insert into consents
               select 'cs_ghost', tenant, user_id, status, purpose, created_at, expires_at, sequence, position, state
               from consents where id = $1";
    is_found(sql, &["row_without_events"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_missing_or_needless_deadline_is_found() {
    let sql = "update deadlines set due_at = due_at + interval '1 second' where aggregate_id = $1";
    is_found(sql, &["deadline_differs"]).await;
    is_found("delete from deadlines where aggregate_id = $1", &["deadline_differs"]).await;
    let sql = "insert into deadlines select aggregate_type, 'cs_ghost', due_at, position
               from deadlines where aggregate_id = $1";
    is_found(sql, &["deadline_without_events"]).await;
}

/// Consents that were made before any of them went on; a batch of one lets each go in between.
async fn with_stories() -> (TestApp, String) {
    let (app, id) = with_consents().await;
    let mut ids = vec![id.clone()];
    for _ in 0..5 {
        ids.push(app.create_consent().await);
    }
    for id in &ids {
        app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "payment" })).await;
    }
    for id in &ids {
        assert_eq!(app.api.delete(&format!("/v1/service/consents/{id}")).await.status, 200);
    }
    app.caught_up().await;
    (app, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_long_after_it_was_made_is_checked_whole_however_little_is_held() {
    let (app, id) = with_stories().await;
    let whole = replay_tool(&app, &["verify"]).await;
    assert_eq!((whole.code, whole.findings()), (Some(0), vec![]), "{}", whole.talk);
    let little = replay_tool(&app, &["verify", "--batch", "1"]).await;
    assert_eq!((little.code, little.findings()), (Some(0), vec![]), "{}", little.talk);
    assert_eq!(little.summary()["aggregates"], whole.summary()["aggregates"]);
    assert_eq!(little.summary()["leavesSha256"], whole.summary()["leavesSha256"]);

    tamper(&app, &id, "update consents set purpose = 'login' where id = $1").await;
    tamper(&app, &id, "update events set tenant = 'x' where aggregate_id <> $1 and sequence = 3 and position = (
                           select max(position) from events where aggregate_type = 'consent' and sequence = 3)")
        .await;
    for batch in ["1", "10000"] {
        let answer = replay_tool(&app, &["verify", "--batch", batch]).await;
        let found: BTreeSet<_> = answer.findings().into_iter().collect();
        assert_eq!(found, BTreeSet::from(["row_differs", "tenant_changed"]), "{batch}");
        assert_eq!(answer.summary()["findings"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_first_event_is_found_once_nothing_keeps_it_out() {
    let (app, id) = with_stories().await;
    sqlx::query("alter table events drop constraint events_aggregate").execute(app.pool()).await.unwrap();
    let sql = "insert into events
               select (select max(position) + 1 from events), event_id, tenant, aggregate_type, aggregate_id, 1,
                      event_type, event_version, payload, metadata, (select max(recorded_at) from events)
               from events where aggregate_id = $1 and sequence = 1";
    tamper(&app, &id, sql).await;
    for batch in ["1", "10000"] {
        let answer = replay_tool(&app, &["verify", "--batch", batch]).await;
        assert!(answer.findings().contains(&"sequence_gap"), "{batch}: {:?}", answer.lines);
    }
}
