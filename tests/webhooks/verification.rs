//! Subscribers can verify what they get, with the libraries that are published for it.

use std::io::Write;
use std::process::{Command, Stdio};

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use standardwebhooks::Webhook;

use super::subscriber::Subscriber;
use super::{callback_secret, register};
use crate::support::TestApp;
use crate::support::receiver::Received;

fn header_map(received: &Received) -> HeaderMap {
    received.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn hex_hmac(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mobid::hex::hex(&mac.finalize().into_bytes())
}

/// One delivery to an endpoint and one to a `callbackUrl`, each with the secret that it is signed with.
async fn both_kinds(app: &TestApp) -> [(String, Received); 2] {
    let (endpoint, callback) = (Subscriber::start().await, Subscriber::start().await);
    let (_, secret) = register(&app.api, &endpoint.url(), &["consent.created"]).await;
    let id = app
        .create_consent_with(json!({ "callbackUrl": callback.url(), "metadata": { "order": "Ünïcode ✓" } }))
        .await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let to_endpoint = endpoint.has_received(1).await.remove(0);
    let to_callback = callback.has_received(1).await.remove(0);
    [(secret, to_endpoint), (callback_secret(app).await.1, to_callback)]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_crate_verifies_deliveries() {
    let app = TestApp::start().await;
    for (secret, received) in both_kinds(&app).await {
        let webhook = Webhook::new(&secret).unwrap();
        webhook.verify(received.body.as_bytes(), &header_map(&received)).unwrap();
        let changed = received.body.replacen('{', "{ ", 1);
        assert!(webhook.verify(changed.as_bytes(), &header_map(&received)).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_scheme_is_signed_with_the_callback_secret() {
    let app = TestApp::start().await;
    for (_, received) in both_kinds(&app).await {
        let (client, secret) = callback_secret(&app).await;
        assert_eq!(received.headers["x-webhook-signature"], hex_hmac(&secret, &received.body));
        assert_eq!(received.headers["x-client-id"], client.to_string());
        assert_eq!(received.headers["content-type"], "application/json");
        assert!(received.headers["user-agent"].starts_with("mobid/"));
        assert!(received.id().starts_with("evt_"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_python_library_verifies_deliveries() {
    let app = TestApp::start().await;
    for (secret, received) in both_kinds(&app).await {
        let job = json!({ "secret": secret, "headers": received.headers, "body": received.body }).to_string();
        let (ok, output) = tokio::task::spawn_blocking(move || python(&job)).await.unwrap();
        assert!(ok, "{output}");
    }
}

const VERIFY: &str = "
import json, sys
try:
    from standardwebhooks import Webhook
except ImportError:
    sys.exit('the Python library standardwebhooks cannot be imported: run ./test, or set MOBID_TEST_PYTHON')
job = json.load(sys.stdin)
Webhook(job['secret']).verify(job['body'], job['headers'])
";

fn python(job: &str) -> (bool, String) {
    let program = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = Command::new(program)
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 cannot be run: run ./test, or set MOBID_TEST_PYTHON");
    child.stdin.take().unwrap().write_all(job.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}
