//! What is not a consent is checked like one.

use serde_json::json;

use super::{a_lost_row_is_found_and_rebuilt, each_column_is_found, replay_tool, tamper, with_consents};
use crate::support::TestApp;
use crate::support::authenticator::{device_of, log_in};
use crate::support::enrollee::{create, registered};

/// Whatever the batches, and with so many of each.
async fn verifies_clean(app: &TestApp, expected: [(&str, u64); 2]) {
    app.caught_up().await;
    for batch in ["10000", "1"] {
        let clean = replay_tool(app, &["verify", "--batch", batch]).await;
        assert_eq!((clean.code, clean.findings()), (Some(0), vec![]), "{}", clean.talk);
        for (kind, count) in expected {
            assert_eq!(clean.summary()["aggregates"][kind], json!(count), "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_logins_are_checked_like_everything_else() {
    let app = TestApp::start().await;
    let (id, mut authenticator) = device_of(&app.api, "ann").await;
    device_of(&app.api, "bob").await;
    for _ in 0..3 {
        assert_eq!(log_in(&app.api, &mut authenticator, None).await.status, 200);
    }
    verifies_clean(&app, [("device", 2), ("fido", 3)]).await;
    let history = replay_tool(&app, &["history", &id]).await;
    let types: Vec<_> = history.lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["device.registered", "device.used", "device.used", "device.used"]);
    let changes = [
        ("tenant", "tenant || 'x'"),
        ("user_id", "user_id || 'x'"),
        ("status", "'blocked'"),
        ("registered_at", "registered_at + interval '1 microsecond'"),
        ("sequence", "sequence + 1"),
        ("state", "replace(state::text, 'active', 'deregistered')::json"),
    ];
    each_column_is_found(&app, "devices", &id, &changes).await;
    a_lost_row_is_found_and_rebuilt(&app, "devices", &id).await;
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
    verifies_clean(&app, [("enrollment", 2), ("person", 1)]).await;
    let history = replay_tool(&app, &["history", &id]).await;
    let types: Vec<_> = history.lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["enrollment.created", "enrollment.device_registered", "enrollment.completed"]);
    let changes = [
        ("user_id", "user_id || 'x'"),
        ("status", "'failed'"),
        ("created_at", "created_at + interval '1 microsecond'"),
        ("expires_at", "expires_at + interval '1 microsecond'"),
        ("state", "replace(state::text, 'completed', 'failed')::json"),
    ];
    each_column_is_found(&app, "enrollments", &id, &changes).await;
    a_lost_row_is_found_and_rebuilt(&app, "enrollments", &id).await;
}
