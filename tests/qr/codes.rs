//! A code from its generation to its end.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{generate, path_of};
use crate::pages::{ALL, Visitor, last_code};
use crate::support::{Reply, TestApp, approve};
use crate::watching::Page;

const SOON: Duration = Duration::from_secs(10);

async fn status(app: &TestApp, id: &str) -> Value {
    app.api.get(&path_of(id)).await.data()["status"].clone()
}

/// Scans a code, as a phone's camera does: opens what it says.
async fn scan(app: &TestApp, ann: &mut Visitor, id: &str) -> String {
    let led = ann.get(&format!("/qr/{id}")).await;
    assert_eq!(led.status, 303, "{}", led.html);
    let page = ann.get(led.location()).await;
    assert_eq!((page.status, page.field("via")), (200, id.to_owned()));
    assert_eq!(status(app, id).await, "active", "a look records nothing: link previews look, too");
    page.field("via")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_scanned_by_the_first_action_and_used_by_the_decision() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let code = generate(&app, &consent).await;
    let id = code.id();
    let shown = code.data();
    assert_eq!(
        (&shown["type"], &shown["referenceId"], &shown["status"]),
        (&json!("consent"), &json!(consent), &json!("active"))
    );
    assert_eq!(shown["url"], app.url(&format!("/qr/{id}")));
    assert_eq!(shown["imageUrl"], app.url(&format!("/v1/qr/{id}/image")));
    assert_eq!(code.header("etag"), "\"1\"");
    let mut ann = Visitor::new(&app);
    let via = scan(&app, &mut ann, &id).await;
    let fields = [&ALL[..], &[("via", via.as_str())]].concat();
    assert_eq!(ann.ask(&consent, "approve", &fields).await.status, 303);
    let scanned = app.api.get(&path_of(&id)).await;
    assert_eq!((&scanned.data()["status"], scanned.header("etag")), (&json!("scanned"), "\"2\""));
    assert!(scanned.data()["scannedAt"].is_string() && scanned.data()["usedAt"].is_null());
    assert!(app.api.get(&format!("/v1/service/consents/{consent}")).await.data()["scannedAt"].is_string());
    ann.enter(&consent, &last_code(&app)).await;
    let used = app.api.get(&path_of(&id)).await;
    assert_eq!(used.data()["status"], "used");
    assert!(used.data()["usedAt"].is_string());
    // As it was when the code was all there was.
    let before: i64 = sqlx::query_scalar("select position from events where event_type = 'qr.generated'")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(app.api.get(&format!("{}?asOf={before}", path_of(&id))).await.data()["status"], "active");
    assert_eq!(app.api.get(&format!("{}?asOf={}", path_of(&id), before - 1)).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ends_with_its_time_or_with_what_it_refers_to() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let body = json!({ "type": "consent", "referenceId": consent, "expiresIn": 5 });
    let (short, long) =
        (app.api.post("/v1/qr/generate", &body).await.id(), generate(&app, &consent).await.id());
    let mut ann = Visitor::new(&app);
    scan(&app, &mut ann, &short).await;
    app.advance(TimeDelta::minutes(5));
    assert_eq!((status(&app, &short).await, status(&app, &long).await), (json!("expired"), json!("active")));
    let page = ann.get(&format!("/qr/{short}")).await;
    assert_eq!((page.status, page.heading()), (410, "This QR code has expired"));
    // Who had the page open by then may go on, but it was not scanned in time.
    let fields = [&ALL[..], &[("via", short.as_str())]].concat();
    assert_eq!(ann.ask(&consent, "approve", &fields).await.status, 303);
    assert_eq!(status(&app, &short).await, "expired");
    app.api.delete(&format!("/v1/service/consents/{consent}")).await;
    assert_eq!(status(&app, &long).await, "expired");
    let reply = app.api.post("/v1/qr/generate", &body).await;
    assert_eq!((reply.status, &reply.data()["status"]), (409, &json!("revoked")), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_nobody_scanned_was_not_used() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let (one, other) = (generate(&app, &consent).await.id(), generate(&app, &consent).await.id());
    let mut ann = Visitor::new(&app);
    let via = scan(&app, &mut ann, &one).await;
    ann.ask(&consent, "reject", &[("via", &via)]).await;
    ann.enter(&consent, &last_code(&app)).await;
    assert_eq!((status(&app, &one).await, status(&app, &other).await), (json!("used"), json!("expired")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_says_nothing_of_another_consent() {
    let app = TestApp::start().await;
    let (consent, other) = (app.create_consent().await, app.create_consent().await);
    let code = generate(&app, &consent).await.id();
    let mut ann = Visitor::new(&app);
    for via in [code.as_str(), "qr_00000000000000000000000000", "nonsense"] {
        assert_eq!(ann.ask(&other, "reject", &[("via", via)]).await.status, 303);
    }
    assert_eq!(status(&app, &code).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_the_clients_own_and_known_gets_a_code() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let other = app.other_client().await;
    let body = |kind: &str, id: &str| json!({ "type": kind, "referenceId": id });
    let theirs = other.post("/v1/qr/generate", &body("consent", &consent)).await;
    let nobodys = other.post("/v1/qr/generate", &body("consent", "cs_00000000000000000000000000")).await;
    assert_eq!((theirs.status, theirs.errors()), (422, vec!["referenceId:unknown_reference".to_owned()]));
    assert_eq!(theirs.without_request_id(), nobodys.without_request_id());
    for (kind, id, expected) in [
        ("enrollment", consent.as_str(), "referenceId:invalid_reference_id"),
        ("mandate", &consent, "type:unsupported_type"),
        ("login", &consent, "referenceId:invalid_reference_id"),
        ("tea", &consent, "type:invalid_type"),
        ("consent", "cl_00000000000000000000000000", "referenceId:invalid_reference_id"),
    ] {
        let reply = app.api.post("/v1/qr/generate", &body(kind, id)).await;
        assert_eq!((reply.status, reply.errors()), (422, vec![expected.to_owned()]), "{kind}");
    }
    let code = generate(&app, &consent).await.id();
    for path in [path_of(&code), path_of(&code) + "/image"] {
        let (theirs, never) =
            (other.get(&path).await, other.get(&path.replace(&code, "qr_00000000000000000000000000")).await);
        assert_eq!((theirs.status, theirs.without_request_id()), (404, never.without_request_id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_the_codes_token_waits_until_it_is_scanned_and_used() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let code = generate(&app, &consent).await;
    let token = code.data()["watchToken"].as_str().unwrap().to_owned();
    let (id, page) = (code.id(), Page::new(&app));
    let wait = || {
        let (page, path) = (page.clone(), format!("{}?wait=30&watchToken={token}", path_of(&id)));
        tokio::spawn(async move { page.get(&path).await })
    };
    let soon = async |waiting: tokio::task::JoinHandle<Reply>| -> Reply {
        tokio::time::timeout(SOON, waiting).await.unwrap().unwrap()
    };
    let mut waiting = wait();
    tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    let mut ann = Visitor::new(&app);
    ann.ask(&consent, "reject", &[("via", &id)]).await;
    let scanned = soon(waiting).await;
    let mut fields: Vec<_> = scanned.data().as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["expiresAt", "id", "scannedAt", "status", "usedAt"]);
    assert_eq!(scanned.data()["status"], "scanned");
    let waiting = wait();
    approve(&app.app, &consent).await.unwrap();
    assert_eq!(soon(waiting).await.data()["status"], "used");
    assert_eq!(soon(wait()).await.data()["status"], "used", "what has ended is not waited for");
    // The code's token is not the consent's.
    let others = page.get(&format!("/v1/service/consents/{consent}?watchToken={token}")).await;
    assert_eq!(others.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_code_ends_a_wait() {
    let app = TestApp::start().await;
    let consent = app.create_consent().await;
    let body = json!({ "type": "consent", "referenceId": consent, "expiresIn": 1 });
    let id = app.api.post("/v1/qr/generate", &body).await.id();
    app.advance(TimeDelta::seconds(45));
    let (api, path) = (app.api.clone(), format!("{}?wait=30", path_of(&id)));
    let mut waiting = tokio::spawn(async move { api.get(&path).await });
    tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    app.advance(TimeDelta::seconds(15));
    let reply = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!(reply.data()["status"], "expired");
}
