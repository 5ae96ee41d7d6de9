//! A client that others wrote: Yubico's `fido2` for Python, which knows nothing of this server but its routes.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::TestApp;

/// Runs `tests/python/passkeys.py`; what it printed.
async fn client(app: &TestApp, which: &str) -> Value {
    let program = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(program)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/passkeys.py"))
        .args([which, &app.url("")])
        .env("MOBID_TEST_KEY", &app.api.key)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("python3 cannot be run: run ./test, or set MOBID_TEST_PYTHON");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_python_fido2_registers_and_logs_in() {
    let app = TestApp::start().await;
    let told = client(&app, "verifying").await;
    let device = told["registered"]["deviceId"].clone();
    assert_eq!(told["registered"]["userId"], "ann");
    for login in ["byName", "byWhoeverIsThere"] {
        let expected = json!({ "verified": true, "userId": "ann", "deviceId": device, "userVerified": true });
        assert_eq!(told[login], expected, "{login}");
    }
    let seen = app.api.get(&format!("/v1/devices/{}", device.as_str().unwrap())).await;
    assert_eq!(seen.data()["signCount"], told["signCount"]);
    assert_eq!(seen.data()["aaguid"], "00112233-4455-6677-8899-aabbccddeeff");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_that_only_says_it_verifies_its_user_is_refused() {
    let app = TestApp::start().await;
    let told = client(&app, "lying").await;
    assert_eq!(told, json!({ "status": 422, "reason": "user_not_verified" }));
    assert_eq!(app.api.get("/v1/devices").await.data()["items"], json!([]));
}
