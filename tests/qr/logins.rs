//! Logins by QR code, from the code to its end.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::path_of;
use crate::pages::Visitor;
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::login::{ann, enter, generate, generate_for, press};
use crate::support::receiver::Receiver;
use crate::support::{RECIPIENT, Reply, TestApp};
use crate::watching::Page;

const SOON: Duration = Duration::from_secs(20);

/// What clients were told came of logins, oldest first.
pub(super) async fn logins(app: &TestApp) -> Vec<(String, Value)> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select event_type, payload::text from events where event_type in ('auth.success', 'auth.failed') order by position",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let data = |text: &str| serde_json::from_str::<Value>(text).unwrap()["data"].take();
    rows.iter().map(|(event_type, payload)| (event_type.clone(), data(payload))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_enters_the_number_and_shows_a_passkey_is_logged_in() {
    let app = TestApp::start().await;
    let (mut ann, enrollment) = ann(&app).await;
    let login = generate_for(&app.api, 5).await;
    let seen = login.seen(&app.api).await;
    assert_eq!((&seen["type"], &seen["status"]), (&json!("login"), &json!("active")));
    assert_eq!((&seen["result"], &seen["endReason"]), (&Value::Null, &Value::Null));
    assert_eq!(seen["matchingNumber"], json!(login.number), "the same as at first");
    assert!(login.number.len() == 3 && login.reference.starts_with("lgn_"));

    let led = ann.browser.get(&format!("/qr/{}", login.id)).await;
    assert_eq!((led.status, led.location()), (303, format!("/r/{}", login.id).as_str()));
    let page = ann.browser.get(led.location()).await;
    assert_eq!((page.status, page.heading()), (200, "Sign in to Owner"));
    assert!(!page.says(&format!(">{}<", login.number)), "whoever scans it has to see it elsewhere");
    assert_eq!(login.seen(&app.api).await["status"], "active", "a look records nothing");
    let page = ann.match_number(&login).await;
    assert_eq!(page.heading(), "Confirm with your passkey");
    assert!(page.says("Owner") && page.says(&format!("<dd>{}</dd>", login.number)), "{}", page.html);
    let seen = login.seen(&app.api).await;
    assert_eq!((&seen["status"], &seen["result"]), (&json!("scanned"), &Value::Null));
    assert!(seen["scannedAt"].is_string());
    let page = ann.passkey(&login.id).await;
    assert_eq!(page.heading(), "You are signed in", "{}", page.html);

    let seen = login.seen(&app.api).await;
    let enrolled = app.api.get(&format!("/v1/enrollments/{enrollment}")).await;
    assert_eq!(seen["status"], "used");
    assert_eq!(seen["result"], json!({ "userId": enrolled.data()["userId"], "userVerified": true }));
    assert!(seen["usedAt"].is_string());
    assert_eq!(Visitor::new(&app).open(&login.id).await.heading(), "This QR code was used");
    let told = logins(&app).await;
    let [(event_type, data)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(event_type, "auth.success");
    assert_eq!(
        (&data["userId"], &data["deviceId"]),
        (&enrolled.data()["userId"], &enrolled.data()["deviceId"])
    );
    let (id, actor): (String, String) = sqlx::query_as(
        "select aggregate_id, metadata ->> 'actorKind' from events where event_type = 'auth.success'",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!((id, actor), (login.reference.clone(), "recipient".to_owned()));
    // As it was before anybody came.
    let before: i64 = sqlx::query_scalar("select position from events where event_type = 'qr.generated'")
        .fetch_one(app.pool())
        .await
        .unwrap();
    let then = app.api.get(&format!("{}?asOf={before}", path_of(&login.id))).await;
    assert_eq!((&then.data()["status"], &then.data()["result"]), (&json!("active"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_a_person_by_one_id_and_another_client_by_another() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let other = app.other_client().await;
    // That client has never heard of her.
    let login = generate(&other).await;
    assert_eq!(ann.log_in(&login).await.heading(), "You are signed in");
    let theirs = login.seen(&other).await["result"]["userId"].clone();
    let ours = generate(&app.api).await;
    ann.log_in(&ours).await;
    let consent = |api: crate::support::Api| async move {
        let made = api.post("/v1/service/consents", &crate::support::reference_body()).await;
        assert_eq!(made.status, 200, "{}", made.text);
        made.data()["userId"].clone()
    };
    assert_eq!(consent(other.clone()).await, theirs);
    assert_eq!(consent(app.api.clone()).await, ours.seen(&app.api).await["result"]["userId"]);
    assert_ne!(theirs, ours.seen(&app.api).await["result"]["userId"]);
    let told = logins(&app).await;
    assert_eq!(told[0].1["deviceId"], Value::Null, "she has no device there");
    assert_eq!(other.get(&path_of(&ours.id)).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_of_logins_that_succeeded_and_of_those_that_did_not() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let types = ["auth.success", "auth.failed"];
    app.api.post("/v1/webhooks", &json!({ "url": receiver.url(), "eventTypes": types })).await;
    let (mut ann, enrollment) = ann(&app).await;
    let login = generate(&app.api).await;
    ann.match_number(&login).await;
    let begun = ann.begin(&login.id, &[]).await;
    let mut spoilt = ann.answer(&begun);
    spoilt["response"]["signature"] = json!("MAA");
    assert_eq!(ann.finish(&login.id, &begun, &spoilt).await.status, 422);
    assert_eq!(ann.passkey(&login.id).await.heading(), "You are signed in");
    receiver.has_received(2).await;
    let mut bodies: Vec<Value> =
        receiver.received().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    bodies.sort_by_key(|body| body["type"].as_str().unwrap().to_owned());
    assert_eq!(
        (&bodies[0]["type"], &bodies[0]["data"]["reason"]),
        (&json!("auth.failed"), &json!("signature_invalid"))
    );
    assert_eq!(bodies[0]["data"]["userId"], Value::Null, "whose it was was not proved");
    let enrolled = app.api.get(&format!("/v1/enrollments/{enrollment}")).await;
    let told = &bodies[1]["data"];
    assert_eq!((&told["id"], &told["verified"]), (&json!(login.reference), &json!(true)));
    assert_eq!(
        (&told["userId"], &told["deviceId"]),
        (&enrolled.data()["userId"], &enrolled.data()["deviceId"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_the_codes_token_follows_the_login_and_learns_neither_number_nor_who_it_was() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate(&app.api).await;
    let page = Page::new(&app);
    let wait = || {
        let (page, path) =
            (page.clone(), format!("{}?wait=30&watchToken={}", path_of(&login.id), login.watch_token));
        tokio::spawn(async move { page.get(&path).await })
    };
    let soon = async |waiting: tokio::task::JoinHandle<Reply>| -> Reply {
        tokio::time::timeout(SOON, waiting).await.unwrap().unwrap()
    };
    let mut waiting = wait();
    tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    ann.match_number(&login).await;
    assert_eq!(soon(waiting).await.data()["status"], "scanned");
    let mut waiting = wait();
    tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    ann.passkey(&login.id).await;
    let used = soon(waiting).await;
    assert_eq!(used.data()["status"], "used");
    let mut fields: Vec<_> = used.data().as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["expiresAt", "id", "scannedAt", "status", "usedAt"]);
    assert!(!used.text.contains("usr_"), "{}", used.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_ends_the_code_before_or_after_the_number() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    for with_number in [false, true] {
        let login = generate(&app.api).await;
        if with_number {
            ann.match_number(&login).await;
        }
        let page = ann.browser.open(&login.id).await;
        let declined = press(&mut ann.browser, &login.id, "decline", "").await;
        assert_eq!(declined.status, 303, "{}", declined.html);
        // What is still open in another tab does nothing more.
        for action in ["continue", "decline"] {
            let csrf = page.field("csrf");
            let fields = [("csrf", csrf.as_str()), ("action", action), ("number", &login.number)];
            let late = ann.browser.post(&format!("/r/{}/decide", login.id), &fields).await;
            assert_eq!(late.status, 303, "{action}: {}", late.html);
        }
        assert_eq!(ann.browser.open(&login.id).await.heading(), "Sign-in cancelled");
        let seen = login.seen(&app.api).await;
        assert_eq!((&seen["status"], &seen["endReason"]), (&json!("expired"), &json!("declined")));
        assert!(seen["scannedAt"].is_string() && seen["usedAt"].is_null());
    }
    assert_eq!(logins(&app).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_took_too_long_logs_nobody_in() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate_for(&app.api, 2).await;
    ann.match_number(&login).await;
    let begun = ann.begin(&login.id, &[]).await;
    let credential = ann.answer(&begun);
    let page = ann.browser.open(&login.id).await;
    let (csrf, credential) = (page.field("csrf"), credential.to_string());
    app.advance(TimeDelta::minutes(2));
    let session = begun["session"].as_str().unwrap();
    let fields = [("csrf", csrf.as_str()), ("session", session), ("credential", &credential)];
    let done = ann.browser.post(&format!("/r/{}/passkey", login.id), &fields).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert_eq!(ann.browser.open(&login.id).await.heading(), "Sign-in expired");
    let seen = login.seen(&app.api).await;
    assert_eq!((&seen["status"], &seen["result"]), (&json!("expired"), &Value::Null));
    // Nobody came in time to this one.
    let unseen = generate_for(&app.api, 2).await;
    app.advance(TimeDelta::minutes(2));
    let page = ann.browser.get(&format!("/qr/{}", unseen.id)).await;
    assert_eq!((page.status, page.heading()), (410, "This QR code has expired"));
    assert_eq!(ann.browser.open(&unseen.id).await.heading(), "Sign-in expired");
    assert_eq!(unseen.seen(&app.api).await["status"], "expired");
    assert_eq!(logins(&app).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_a_login_lasts_five_minutes_and_fifteen_at_the_most() {
    let app = TestApp::start().await;
    let usual = app.api.post("/v1/qr/generate", &json!({ "type": "login" })).await;
    let at =
        |name: &str| usual.data()[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((at("expiresAt") - at("createdAt") + TimeDelta::seconds(1)).num_minutes(), 5);
    let long = app.api.post("/v1/qr/generate", &json!({ "type": "login", "expiresIn": 16 })).await;
    assert_eq!((long.status, long.errors()), (422, vec!["expiresIn:invalid_expires_in".to_owned()]));
    let missing = app.api.post("/v1/qr/generate", &json!({})).await;
    assert_eq!((missing.status, missing.errors()), (400, vec!["type:required".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_passkey_is_told_so_and_no_code_helps() {
    let app = TestApp::start().await;
    let login = generate(&app.api).await;
    let mut bob = Visitor::new(&app);
    assert_eq!(enter(&mut bob, &login.id, &login.number).await.status, 303);
    let page = bob.open(&login.id).await;
    assert!(page.says("No passkey here?") && page.says("a one-time code is not enough"), "{}", page.html);
    assert!(page.says("This step needs JavaScript"), "where there is none");
    let csrf = page.field("csrf");
    // The button without a script.
    let page = bob.post(&format!("/r/{}/passkey", login.id), &[("csrf", &csrf)]).await;
    assert_eq!((page.status, page.heading()), (200, "Confirm with your passkey"));
    for path in ["code", "again", "recover"] {
        let page =
            bob.post(&format!("/r/{}/{path}", login.id), &[("csrf", &csrf), ("action", "approve")]).await;
        assert_eq!(page.status, 404, "{path}");
    }
    assert_eq!(app.outbox().len(), 0, "nobody was sent anything");
    assert_eq!(login.seen(&app.api).await["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_to_a_client_that_was_shut_out() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let made = app.api.post("/v1/clients", &json!({ "name": "Shut out", "permissions": ["qr:write"] })).await;
    let client = crate::support::Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let login = generate(&client).await;
    ann.match_number(&login).await;
    let begun = ann.begin(&login.id, &[]).await;
    let credential = ann.answer(&begun).to_string();
    let csrf = ann.browser.csrf(&login.id).await;
    app.api.patch(&format!("/v1/clients/{}", made.id()), &json!({ "status": "suspended" })).await;
    let session = begun["session"].as_str().unwrap();
    let fields = [("csrf", csrf.as_str()), ("session", session), ("credential", &credential)];
    let page = ann.browser.post(&format!("/r/{}/passkey", login.id), &fields).await;
    assert_eq!((page.status, page.heading()), (409, "This request cannot be answered"));
    assert_eq!(ann.browser.open(&login.id).await.status, 409);
    assert_eq!(logins(&app).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_number_to_somebody_logs_in_as_before_and_the_new_holder_as_somebody_else() {
    let app = TestApp::start().await;
    let (mut ann, enrollment) = ann(&app).await;
    let before = app.api.get(&format!("/v1/enrollments/{enrollment}")).await.data()["userId"].clone();
    let mut anew = Enrollee::new(&app.api);
    let id = create(&app.api).await;
    anew.prove(&app, &id).await;
    let csrf = anew.browser.csrf(&id).await;
    anew.browser.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await;
    anew.passkey(&id).await;
    anew.passkey(&id).await;
    let (of_ann, of_anew) = (generate(&app.api).await, generate(&app.api).await);
    assert_eq!(ann.log_in(&of_ann).await.heading(), "You are signed in");
    assert_eq!(anew.log_in(&of_anew).await.heading(), "You are signed in");
    assert_eq!(of_ann.seen(&app.api).await["result"]["userId"], before);
    let after = app.api.get(&format!("/v1/enrollments/{id}")).await.data()["userId"].clone();
    assert_eq!(of_anew.seen(&app.api).await["result"]["userId"], after);
    assert_ne!(before, after);
    // To a client that never knew her she is nobody any more: the number would lead to the new holder.
    let other = app.other_client().await;
    let login = generate(&other).await;
    let page = ann.log_in(&login).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    assert_eq!(login.seen(&other).await["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_names_nobody_in_the_log_but_by_the_clients_own_id() {
    let app = TestApp::start().await;
    let id = create_with(&app.api, json!({ "recipient": "ann@example.com" })).await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &id).await;
    let login = generate(&app.api).await;
    ann.log_in(&login).await;
    let person: String =
        sqlx::query_scalar("select aggregate_id from events where aggregate_type = 'person' limit 1")
            .fetch_one(app.pool())
            .await
            .unwrap();
    let dump = crate::pages::dump(&app).await;
    assert!(!dump.contains("ann@example.com") && !dump.contains(RECIPIENT));
    let mentioned: i64 = sqlx::query_scalar(
        "select count(*) from events where aggregate_type <> 'person' and (payload::text || metadata::text) like '%' || $1 || '%'",
    )
    .bind(&person)
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(mentioned, 0, "no client's event names the person");
}
