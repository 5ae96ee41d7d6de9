//! Passkeys that log nobody in by QR code, and what is recorded of them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::logins::logins;
use crate::pages::{Page, Visitor};
use crate::support::TestApp;
use crate::support::authenticator::{USER_PRESENT, USER_VERIFIED, device_of};
use crate::support::enrollee::Enrollee;
use crate::support::login::{Login, ann, generate};

/// The reasons of the attempts that failed so far.
async fn reasons(app: &TestApp) -> Vec<Value> {
    let failed = logins(app).await.into_iter().filter(|(event_type, _)| event_type == "auth.failed");
    failed.map(|(_, data)| data["reason"].clone()).collect()
}

/// Begins, lets the authenticator lie, and finishes.
async fn lies(somebody: &mut Enrollee, login: &Login, lie: impl FnOnce(&mut Enrollee, &mut Value)) -> Page {
    let mut begun = somebody.begin(&login.id, &[]).await;
    lie(somebody, &mut begun);
    let credential = somebody.answer(&begun);
    somebody.finish(&login.id, &begun, &credential).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_hold_logs_nobody_in_and_says_why() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate(&app.api).await;
    ann.match_number(&login).await;
    let origin = app.url("");
    let mut expected = vec![];
    let mut fails =
        async |ann: &mut Enrollee, reason: &str, lie: &(dyn Fn(&mut Enrollee, &mut Value) + Sync)| {
            let page = lies(ann, &login, lie).await;
            assert_eq!(
                (page.status, page.heading()),
                (422, "Confirm with your passkey"),
                "{reason}: {}",
                page.html
            );
            expected.push(json!(reason));
            assert_eq!(reasons(&app).await, expected);
            // Honest again.
            ann.authenticator.origin.clone_from(&origin);
            ann.authenticator.rp_id = "localhost".to_owned();
            ann.authenticator.flags = USER_PRESENT | USER_VERIFIED;
            ann.authenticator.cross_origin = false;
        };
    fails(&mut ann, "challenge_mismatch", &|_, begun| begun["get"]["challenge"] = json!("AAAA")).await;
    fails(&mut ann, "origin_mismatch", &|ann, _| {
        ann.authenticator.origin = "https://evil.example".to_owned();
    })
    .await;
    fails(&mut ann, "origin_mismatch", &|ann, _| ann.authenticator.cross_origin = true).await;
    fails(&mut ann, "rp_id_mismatch", &|ann, _| ann.authenticator.rp_id = "evil.example".to_owned()).await;
    fails(&mut ann, "user_not_verified", &|ann, _| ann.authenticator.flags = USER_PRESENT).await;
    fails(&mut ann, "session_expired", &|_, begun| {
        begun["session"] = json!("ses_00000000000000000000000000");
    })
    .await;
    let seen = login.seen(&app.api).await;
    assert_eq!((&seen["status"], &seen["result"]), (&json!("scanned"), &Value::Null));
    assert_eq!(ann.passkey(&login.id).await.heading(), "You are signed in", "the code is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_good_once_in_time_and_for_its_own_code() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let (first, second) = (generate(&app.api).await, generate(&app.api).await);
    ann.match_number(&first).await;
    ann.match_number(&second).await;
    let begun = ann.begin(&first.id, &[]).await;
    let credential = ann.answer(&begun);
    // What was asked for one code does not answer another.
    let page = ann.finish(&second.id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    let fresh = ann.begin(&second.id, &[]).await;
    let page = ann.finish(&second.id, &fresh, &credential).await;
    assert!(page.status == 422 && page.says("does not fit this page"), "{}", page.html);
    assert_eq!(reasons(&app).await, [json!("session_expired"), json!("challenge_mismatch")]);
    let done = ann.finish(&first.id, &begun, &credential).await;
    assert_eq!(done.status, 303, "{}", done.html);
    // Once more, for a code that is used: nothing happens.
    let csrf = ann.browser.csrf(&second.id).await;
    let again = [
        ("csrf", csrf.as_str()),
        ("session", begun["session"].as_str().unwrap()),
        ("credential", &credential.to_string()),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let again: Vec<_> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ann.browser.post(&format!("/r/{}/passkey", second.id), &again).await.status, 422);
    let late = ann.begin(&second.id, &[]).await;
    let credential = ann.answer(&late);
    app.advance(TimeDelta::minutes(5));
    let page = ann.finish(&second.id, &late, &credential).await;
    assert!(page.status == 422 && page.says("longer than five minutes"), "{}", page.html);
    assert_eq!(second.seen(&app.api).await["result"], Value::Null);
    let succeeded = logins(&app).await.iter().filter(|(event_type, _)| event_type == "auth.success").count();
    assert_eq!(succeeded, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_nobody_here_logs_nobody_in() {
    let app = TestApp::start().await;
    let login = generate(&app.api).await;
    let mut stranger = Enrollee::new(&app.api);
    stranger.match_number(&login).await;
    let page = stranger.passkey(&login.id).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    // One of the client's own pages is none of ours.
    let (_, own) = device_of(&app.api, "ann").await;
    let mut client = Enrollee { browser: Visitor::new(&app), authenticator: own };
    client.match_number(&login).await;
    assert_eq!(client.passkey(&login.id).await.status, 422);
    assert_eq!(reasons(&app).await, [json!("unknown_credential"), json!("unknown_credential")]);
    assert_eq!(login.seen(&app.api).await["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_a_client_blocked_fails_at_once_there_and_nowhere_else() {
    let app = TestApp::start().await;
    let (mut ann, enrollment) = ann(&app).await;
    let login = generate(&app.api).await;
    ann.match_number(&login).await;
    let device = app.api.get(&format!("/v1/enrollments/{enrollment}")).await.data()["deviceId"].clone();
    let path = format!("/v1/devices/{}", device.as_str().unwrap());
    let begun = ann.begin(&login.id, &[]).await;
    let credential = ann.answer(&begun);
    assert_eq!(app.api.post(&format!("{path}/block"), &json!({})).await.status, 200);
    let page = ann.finish(&login.id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("does not accept this passkey"), "{}", page.html);
    let told = logins(&app).await;
    assert_eq!((&told[0].1["reason"], &told[0].1["deviceId"]), (&json!("device_blocked"), &device));
    let other = app.other_client().await;
    let theirs = generate(&other).await;
    assert_eq!(ann.log_in(&theirs).await.heading(), "You are signed in");
    app.api.delete(&path).await;
    assert_eq!(ann.passkey(&login.id).await.status, 422);
    assert_eq!(reasons(&app).await, [json!("device_blocked"), json!("unknown_credential")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_whose_counter_went_back_is_dropped_and_fails_from_then_on() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate(&app.api).await;
    ann.match_number(&login).await;
    ann.authenticator.counter = Some(0);
    let page = ann.passkey(&login.id).await;
    assert!(page.status == 422 && page.says("a copy of this passkey"), "{}", page.html);
    ann.authenticator.counter = Some(100);
    assert_eq!(ann.passkey(&login.id).await.status, 422);
    assert_eq!(reasons(&app).await, [json!("counter_regressed"), json!("unknown_credential")]);
    assert_eq!(login.seen(&app.api).await["result"], Value::Null);
}
