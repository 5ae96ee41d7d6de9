//! The server asked by a machine: everything that the document says it takes, and things that it says it does not.
//!
//! `MOBID_TEST_SCHEMATHESIS_SECONDS=300 ./test schemathesis` takes five minutes for each key instead of less than one, and
//! asks something else each time. Without it the seed is fixed: what fails then is of the change that is tested.

use std::path::Path;
use std::process::Stdio;

use mobid::clock::Clock;
use serde_json::json;
use tokio::process::Command;

use crate::support::{TestApp, fresh_database};

async fn ask(app: &TestApp, key: &str, owner: &str, seconds: u64) {
    let longer = std::env::var("MOBID_TEST_SCHEMATHESIS_SECONDS").ok();
    let seed: &[_] = if longer.is_some() { &[] } else { &["--seed", "1"] };
    let seconds = longer.unwrap_or_else(|| seconds.to_string());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let scratch = tempfile::tempdir().unwrap();
    // Hooks are a module of where it runs, and what it keeps goes there, too.
    std::fs::copy(folder.join("hooks.py"), scratch.path().join("hooks.py")).unwrap();
    let python = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(folder.join("schemathesis.toml"))
        .args(["run", &app.url("/openapi.json"), "--max-time", &seconds])
        .args(seed)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("MOBID_TEST_KEY", key)
        .env("MOBID_TEST_OWNER", owner)
        .env("NO_COLOR", "1")
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("schemathesis cannot be run: run ./test, or set MOBID_TEST_PYTHON");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}

async fn start() -> (TestApp, String) {
    let app = TestApp::start_on(fresh_database().await, Clock::system(), |_| {}).await;
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let origins = json!({ "origins": ["https://localhost:1", "https://yourapp.com"] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{owner}"), &origins).await.status, 200);
    (app, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_with_every_permission() {
    let (app, owner) = start().await;
    ask(&app, &app.api.key, &owner, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_with_no_permission() {
    let (app, owner) = start().await;
    let key = app.client_with(&[]).await.key;
    ask(&app, &key, &owner, 15).await;
}
