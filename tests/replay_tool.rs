//! The auditor's tool against the database of a running server: what it says of an honest log, and of every way to
//! tamper with one.

mod others;
mod tampered;

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::TestApp;

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

/// Changes one column of one row after the other, as `id` has it: each is found by its name, and right again is right.
async fn each_column_is_found(app: &TestApp, table: &str, id: &str, changes: &[(&str, &str)]) {
    for (column, change) in changes {
        let keep = format!("create table honest as select {column} as was from {table} where id = '{id}'");
        sqlx::query(&keep).execute(app.pool()).await.unwrap();
        tamper(app, id, &format!("update {table} set {column} = {change} where id = $1")).await;
        let answer = replay_tool(app, &["verify"]).await;
        assert_eq!(answer.findings(), ["row_differs"], "{column}");
        assert_eq!(answer.lines[0]["columns"], json!([column]));
        let back = format!("update {table} set {column} = (select was from honest) where id = $1");
        tamper(app, id, &back).await;
        sqlx::query("drop table honest").execute(app.pool()).await.unwrap();
    }
}

/// A row that is gone is found, and made again.
async fn a_lost_row_is_found_and_rebuilt(app: &TestApp, table: &str, id: &str) {
    tamper(app, id, &format!("delete from {table} where id = $1")).await;
    assert_eq!(replay_tool(app, &["verify"]).await.findings(), ["row_missing"]);
    let rebuilt = replay_tool(app, &["rebuild", "--projection", table]).await;
    assert_eq!(rebuilt.code, Some(0), "{}", rebuilt.talk);
    assert_eq!(replay_tool(app, &["verify"]).await.findings(), Vec::<&str>::new());
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
