//! The auditor's tool against the database of a running server: what it says of an honest log, and of every way to
//! tamper with one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::TestApp;
use crate::support::authenticator::{device_of, log_in};
use crate::support::enrollee::{create, registered};

/// What a run of the tool came to.
struct Answer {
    code: Option<i32>,
    lines: Vec<Value>,
    talk: String,
}

impl Answer {
    fn findings(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line["finding"].as_str()).collect()
    }

    fn summary(&self) -> &Value {
        &self.lines.last().unwrap()["summary"]
    }
}

/// The tool beside this test's own executable; `./test` builds it first.
fn tool() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let tool = executable.parent().and_then(|deps| deps.parent()).unwrap().join("replay-tool");
    assert!(tool.exists(), "run ./test, or cargo build -p replay-tool first");
    tool
}

async fn replay_tool(app: &TestApp, args: &[&str]) -> Answer {
    let output =
        Command::new(tool()).args(args).env("DATABASE_URL", app.database_url()).output().await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Answer {
        code: output.status.code(),
        lines: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        talk: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A server with some consents, all followers at the head; and one consent's id.
async fn with_consents() -> (TestApp, String) {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for _ in 0..5 {
        app.create_consent().await;
    }
    app.caught_up().await;
    (app, id)
}

/// Does what nobody is meant to: the owner of the tables lifts what protects them. `$1` is the id.
async fn tamper(app: &TestApp, id: &str, sql: &str) {
    for lift in
        ["alter table events disable trigger append_only", "grant update, delete on events to current_user"]
    {
        sqlx::query(lift).execute(app.pool()).await.unwrap();
    }
    let touched = sqlx::query(sql).bind(id).execute(app.pool()).await.unwrap();
    assert!(touched.rows_affected() > 0, "nothing to tamper with: {sql}");
}

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
async fn a_log_that_nobody_tampered_with_verifies_clean_and_the_same_each_time() {
    let (app, _) = with_consents().await;
    let first = replay_tool(&app, &["verify"]).await;
    assert_eq!((first.code, first.findings()), (Some(0), vec![]), "{}", first.talk);
    assert!(first.summary()["aggregates"]["consent"].as_u64() >= Some(6));

    // rows that are right need no second look
    assert!(!first.talk.contains("closely"), "{}", first.talk);

    // one event at a time crosses every seam between batches
    let second = replay_tool(&app, &["verify", "--batch", "1"]).await;
    assert_eq!(second.summary()["leavesSha256"], first.summary()["leavesSha256"]);
    assert_eq!(second.code, Some(0));
    assert!(!second.talk.contains("closely"), "{}", second.talk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_says_the_same_in_other_words_is_looked_at_closely_and_no_finding() {
    let (app, id) = with_consents().await;
    tamper(&app, &id, "update consents set state = state::jsonb::text::json where id = $1").await;
    let answer = replay_tool(&app, &["verify"]).await;
    assert!(answer.talk.contains("closely"), "{}", answer.talk);
    assert_eq!((answer.code, answer.findings()), (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grows_meanwhile_verifies_clean() {
    let (app, _) = with_consents().await;
    let appending = async {
        for _ in 0..40 {
            app.create_consent().await;
        }
    };
    let verifying = async {
        for _ in 0..4 {
            let answer = replay_tool(&app, &["verify", "--batch", "7"]).await;
            assert_eq!((answer.code, answer.findings()), (Some(0), vec![]), "{}", answer.talk);
        }
    };
    tokio::join!(appending, verifying);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_shows_each_event_with_its_leaf_and_nothing_unsealed() {
    let (app, id) = with_consents().await;
    let answer = replay_tool(&app, &["history", &id]).await;
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    let [created] = &answer.lines[..] else { panic!("one event, not {:?}", answer.lines) };
    assert_eq!((&created["type"], &created["sequence"]), (&"consent.created".into(), &1.into()));
    assert_eq!(created["actor"]["kind"], "client");
    assert_eq!(created["at"], created["payload"]["data"]["at"]);
    assert_eq!(created["leaf"].as_str().map(str::len), Some(64));
    let recipient = created["payload"]["data"]["recipient"].as_str().unwrap();
    assert!(!recipient.contains('+') && !recipient.contains('@'), "sealed, not {recipient}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_says_whether_it_found_nothing_or_could_not_look() {
    let app = TestApp::start().await;
    let unknown = replay_tool(&app, &["history", "cs_01kb0m2x9qe3r8s6t4v2w0y5zh"]).await;
    assert_eq!((unknown.code, unknown.lines.len()), (Some(1), 0));
    for usage in [&["history", "usr_1"][..], &["verify", "--batch", "0"], &["rebuild", "--projection", "x"]] {
        assert_eq!(replay_tool(&app, usage).await.code, Some(2), "{usage:?}");
    }
    let nowhere =
        replay_tool(&app, &["verify", "--database-url", "postgres://nobody@127.0.0.1:1/nothing"]).await;
    assert_eq!(nowhere.code, Some(2));
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
    for (column, change) in [
        ("tenant", "tenant || 'x'"),
        ("user_id", "user_id || 'x'"),
        ("purpose", "purpose || 'x'"),
        ("created_at", "created_at + interval '1 microsecond'"),
        ("expires_at", "expires_at + interval '1 microsecond'"),
        ("sequence", "sequence + 1"),
        ("state", "replace(state::text, 'pending', 'expired')::json"),
    ] {
        let keep = format!("create table honest as select {column} as was from consents where id = '{id}'");
        sqlx::query(&keep).execute(app.pool()).await.unwrap();
        tamper(&app, &id, &format!("update consents set {column} = {change} where id = $1")).await;
        let answer = replay_tool(&app, &["verify"]).await;
        assert_eq!(answer.findings(), ["row_differs"], "{column}");
        assert_eq!(answer.lines[0]["columns"], json!([column]));
        let back = format!("update consents set {column} = (select was from honest) where id = $1");
        tamper(&app, &id, &back).await;
        sqlx::query("drop table honest").execute(app.pool()).await.unwrap();
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_makes_rows_right_again_beside_a_running_server() {
    let (app, id) = with_consents().await;
    tamper(&app, &id, "update consents set status = 'approved' where id = $1").await;
    tamper(&app, &id, "delete from deadlines where aggregate_id = $1").await;
    let rebuild = ["rebuild", "--projection", "consents", "--projection", "deadlines", "--batch", "2"];
    let (answer, newer) = tokio::join!(replay_tool(&app, &rebuild), app.create_consent());
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    assert_eq!(answer.lines.len(), 2);
    app.caught_up().await;
    let verified = replay_tool(&app, &["verify"]).await;
    assert_eq!((verified.code, verified.findings()), (Some(0), vec![]), "{newer}: {}", verified.talk);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_logins_are_checked_like_everything_else() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    device_of(&app.api, "bob").await;
    for _ in 0..3 {
        assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    }
    app.caught_up().await;
    for batch in ["10000", "1"] {
        let clean = replay_tool(&app, &["verify", "--batch", batch]).await;
        assert_eq!((clean.code, clean.findings()), (Some(0), vec![]), "{}", clean.talk);
        let aggregates = &clean.summary()["aggregates"];
        assert_eq!((&aggregates["device"], &aggregates["fido"]), (&json!(2), &json!(3)));
    }
    let history = replay_tool(&app, &["history", &id]).await;
    let types: Vec<_> = history.lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["device.registered", "device.used", "device.used", "device.used"]);
    for (column, change) in [
        ("tenant", "tenant || 'x'"),
        ("user_id", "user_id || 'x'"),
        ("status", "'blocked'"),
        ("registered_at", "registered_at + interval '1 microsecond'"),
        ("sequence", "sequence + 1"),
        ("state", "replace(state::text, 'active', 'deregistered')::json"),
    ] {
        let keep = format!("create table honest as select {column} as was from devices where id = '{id}'");
        sqlx::query(&keep).execute(app.pool()).await.unwrap();
        tamper(&app, &id, &format!("update devices set {column} = {change} where id = $1")).await;
        let answer = replay_tool(&app, &["verify"]).await;
        assert_eq!(answer.findings(), ["row_differs"], "{column}");
        assert_eq!(answer.lines[0]["columns"], json!([column]));
        let back = format!("update devices set {column} = (select was from honest) where id = $1");
        tamper(&app, &id, &back).await;
        sqlx::query("drop table honest").execute(app.pool()).await.unwrap();
    }
    tamper(&app, &id, "delete from devices where id = $1").await;
    assert_eq!(replay_tool(&app, &["verify"]).await.findings(), ["row_missing"]);
    let rebuilt = replay_tool(&app, &["rebuild", "--projection", "devices"]).await;
    assert_eq!(rebuilt.code, Some(0), "{}", rebuilt.talk);
    assert_eq!(replay_tool(&app, &["verify"]).await.findings(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_checked_like_everything_else() {
    let (app, id) = with_consents().await;
    let mut ann = crate::me::Guest::new(&app);
    ann.sign_in_by_code(&app, crate::support::RECIPIENT).await;
    let reported = ann.post(&format!("/me/consents/{id}/report"), &[("reason", "too_much")]).await;
    assert_eq!(reported.status, 303, "{}", reported.html);
    app.caught_up().await;
    let clean = replay_tool(&app, &["verify"]).await;
    assert_eq!((clean.code, clean.findings()), (Some(0), vec![]), "{}", clean.talk);
    assert_eq!(clean.summary()["aggregates"]["report"], json!(1));
    let report = app.api.get("/v1/reports").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let history = replay_tool(&app, &["history", &report]).await;
    assert_eq!((history.lines.len(), &history.lines[0]["type"]), (1, &json!("report.filed")));
    let spoilt = "update events set payload = replace(payload::text, 'too_much', 'too_late')::json where aggregate_id = $1";
    tamper(&app, &report, spoilt).await;
    assert_eq!(replay_tool(&app, &["verify"]).await.findings(), ["unreadable_event", "does_not_fold"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn enrollments_and_persons_are_checked_like_everything_else() {
    let app = TestApp::start().await;
    let (id, mut ann) = registered(&app).await;
    ann.passkey(&id).await;
    create(&app.api).await;
    app.caught_up().await;
    for batch in ["10000", "1"] {
        let clean = replay_tool(&app, &["verify", "--batch", batch]).await;
        assert_eq!((clean.code, clean.findings()), (Some(0), vec![]), "{}", clean.talk);
        let aggregates = &clean.summary()["aggregates"];
        assert_eq!((&aggregates["enrollment"], &aggregates["person"]), (&json!(2), &json!(1)));
    }
    let history = replay_tool(&app, &["history", &id]).await;
    let types: Vec<_> = history.lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["enrollment.created", "enrollment.device_registered", "enrollment.completed"]);
    for (column, change) in [
        ("user_id", "user_id || 'x'"),
        ("status", "'failed'"),
        ("created_at", "created_at + interval '1 microsecond'"),
        ("expires_at", "expires_at + interval '1 microsecond'"),
        ("state", "replace(state::text, 'completed', 'failed')::json"),
    ] {
        let keep =
            format!("create table honest as select {column} as was from enrollments where id = '{id}'");
        sqlx::query(&keep).execute(app.pool()).await.unwrap();
        tamper(&app, &id, &format!("update enrollments set {column} = {change} where id = $1")).await;
        let answer = replay_tool(&app, &["verify"]).await;
        assert_eq!(answer.findings(), ["row_differs"], "{column}");
        let back = format!("update enrollments set {column} = (select was from honest) where id = $1");
        tamper(&app, &id, &back).await;
        sqlx::query("drop table honest").execute(app.pool()).await.unwrap();
    }
    tamper(&app, &id, "delete from enrollments where id = $1").await;
    assert_eq!(replay_tool(&app, &["verify"]).await.findings(), ["row_missing"]);
    let rebuilt = replay_tool(&app, &["rebuild", "--projection", "enrollments"]).await;
    assert_eq!(rebuilt.code, Some(0), "{}", rebuilt.talk);
    assert_eq!(replay_tool(&app, &["verify"]).await.findings(), Vec::<&str>::new());
}
