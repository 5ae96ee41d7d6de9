//! Reporting abuse: the owner reads it, the client never learns of it.

use mobid_domain::client::Permission;
use serde_json::{Value, json};

use super::{Guest, ann};
use crate::support::TestApp;

const ANN: &str = "ann@example.com";
const WORDS: &str = "They called me and wanted my code.";

async fn reports(app: &TestApp) -> Vec<Value> {
    let reply = app.api.get("/v1/reports").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_reads_what_a_person_reports_and_the_client_learns_nothing() {
    let app = TestApp::start().await;
    let client = app.other_client().await;
    let wanted = json!({ "recipient": ANN, "purpose": "data_sharing", "scope": ["name"] });
    let id = client.post("/v1/service/consents", &wanted).await.id();
    let before = client.get(&format!("/v1/service/consents/{id}")).await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let at = format!("/me/consents/{id}/report");
    let page = ann.browser.get(&at).await;
    assert_eq!(page.heading(), "Report Another");
    let done = ann.post(&at, &[("reason", "pressure"), ("text", WORDS)]).await;
    assert_eq!((done.status, done.location()), (303, format!("/me/consents/{id}").as_str()));
    assert!(ann.open(&id).await.says("You reported this on"));

    let found = reports(&app).await;
    assert_eq!(found.len(), 1);
    let clients = app.api.get("/v1/clients").await;
    let named = clients.data()["items"].as_array().unwrap().iter().find(|c| c["name"] == "Another").unwrap();
    let report = &found[0];
    assert_eq!((&report["clientId"], &report["consentId"]), (&named["id"], &json!(id)));
    assert_eq!((&report["reason"], &report["text"]), (&json!("pressure"), &json!(WORDS)));
    assert!(report["id"].as_str().unwrap().starts_with("rpt_") && report["reportedAt"].is_string());
    assert!(!report.to_string().contains("per_") && !report.to_string().contains("usr_"), "{report}");

    let after = client.get(&format!("/v1/service/consents/{id}")).await;
    assert_eq!((after.data(), after.header("etag")), (before.data(), before.header("etag")));
    let history = client.get(&format!("/v1/service/consents/{id}/history")).await;
    assert_eq!(history.data()["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/v1/reports").await.status, 403);
    let all = app.client_with(Permission::ALL).await;
    assert_eq!(all.get("/v1/reports").await.status, 403, "not even with every permission");
    let dump = crate::pages::dump(&app).await;
    assert!(dump.contains("report.filed") && !dump.contains(WORDS));
    let of_tenant: i64 = sqlx::query_scalar(
        "select count(*) from events where event_type = 'report.filed' and tenant <> 'cl_00000000000000000000000000'",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(of_tenant, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_is_wrong_or_is_not_sent() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = Guest::new(&app);
    ann.sign_in_by_code(&app, ANN).await;
    let at = format!("/me/consents/{id}/report");
    let long = "x".repeat(1_001);
    for (reason, text, says) in [
        ("", "x", "Choose what is wrong."),
        ("nonsense", "x", "Choose what is wrong."),
        ("other", " \r\n ", "Say in a few words"),
        ("misleading", long.as_str(), "at most 1000 characters"),
        ("misleading", "a\u{202e}b", "letters, digits and punctuation"),
    ] {
        let page = ann.post(&at, &[("reason", reason), ("text", text)]).await;
        assert!(page.status == 422 && page.says(says), "{reason} {text}: {}", page.html);
    }
    assert!(reports(&app).await.is_empty());
    let done = ann.post(&at, &[("reason", "other"), ("text", "One\r\nTwo")]).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert_eq!(reports(&app).await[0]["text"], "One\nTwo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reports_a_consent_once_and_ten_a_day() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let report = [("reason", "too_often")];
    for n in 0..10 {
        let id = app.create_consent_with(json!({ "recipient": ANN })).await;
        let at = format!("/me/consents/{id}/report");
        assert_eq!(ann.post(&at, &report).await.status, 303, "{n}");
        assert_eq!(ann.post(&at, &report).await.status, 303, "again changes nothing");
        assert_eq!(ann.browser.get(&at).await.location(), format!("/me/consents/{id}"));
    }
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let page = ann.post(&format!("/me/consents/{id}/report"), &report).await;
    assert_eq!((page.status, page.heading()), (429, "That is enough for today"));
    let found = reports(&app).await;
    assert_eq!(found.len(), 10);
    let first = app.api.get("/v1/reports?limit=4").await;
    let cursor = first.data()["nextCursor"].as_str().unwrap().to_owned();
    let rest = app.api.get(&format!("/v1/reports?cursor={cursor}")).await;
    let items = |reply: &crate::support::Reply| reply.data()["items"].as_array().unwrap().clone();
    assert_eq!([items(&first), items(&rest)].concat(), found);
    assert_eq!(rest.data()["nextCursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_somebody_who_was_erased_reads_so() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let mut ann = Guest::new(&app);
    ann.sign_in_by_code(&app, ANN).await;
    ann.post(&format!("/me/consents/{id}/report"), &[("reason", "misleading"), ("text", WORDS)]).await;
    sqlx::query("delete from vault_keys where subject like 'per_%'").execute(app.pool()).await.unwrap();
    let mut twin = app.twin().await;
    twin.api = app.api.at(&twin.api);
    let report = &reports(&twin).await[0];
    assert_eq!((&report["text"], &report["consentId"]), (&json!("[erased]"), &json!("[erased]")));
    assert_eq!(report["reason"], "misleading");
}
