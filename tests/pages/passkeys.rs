//! Decisions by passkey: what they prove, and to whom.

use std::process::Stdio;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{ALL, Page, Visitor, consent};
use crate::support::authenticator::device_of;
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{RECIPIENT, TestApp};

const NAME_AND_EMAIL: [(&str, &str); 4] =
    [("scope", "name"), ("scope", "email"), ("claim.name", "Ann Öberg"), ("claim.email", "ann@example.com")];

/// Somebody who enrolled by the reference's recipient's number.
async fn ann(app: &TestApp) -> Enrollee {
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(app, &create(&app.api).await).await;
    ann
}

/// Presses a button that takes a passkey; the answer to what the passkey said.
async fn press(somebody: &mut Enrollee, id: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let mut all = vec![("action", action)];
    all.extend(fields);
    let begun = somebody.begin(id, &all).await;
    assert_eq!(begun["get"]["allowCredentials"], json!([]), "it says nothing of anybody");
    let credential = somebody.answer(&begun);
    somebody.finish(id, &begun, &credential).await
}

async fn evidence(app: &TestApp, id: &str) -> Vec<Value> {
    let reply = app.api.get(&format!("/v1/service/consents/{id}/evidence")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data()["items"].as_array().unwrap().clone()
}

/// What a program that knows nothing of this server finds out about a decision.
pub async fn verified(item: &Value) -> Value {
    let program = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let mut python = Command::new(program)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/evidence.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 cannot be run: run ./test, or set MOBID_TEST_PYTHON");
    python.stdin.take().unwrap().write_all(item.to_string().as_bytes()).await.unwrap();
    let output = python.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_by_passkey_is_a_proof_that_anybody_can_verify_offline() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let id = app.create_consent().await;
    let done = press(&mut ann, &id, "approve", &NAME_AND_EMAIL).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert_eq!(ann.browser.open(&id).await.heading(), "Approved");
    let seen = consent(&app, &id).await;
    assert_eq!(seen["status"], "approved");
    assert_eq!(seen["assurance"]["method"], "passkey");
    assert_eq!(seen["assurance"]["userVerified"], true);
    assert_eq!(seen["grantedScope"], json!(["name", "email"]));

    let items = evidence(&app, &id).await;
    assert_eq!((items.len(), &items[0]["action"]), (1, &json!("approve")));
    let text: Value = serde_json::from_str(items[0]["proof"]["text"].as_str().unwrap()).unwrap();
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].clone();
    let expected = json!({ "resource": id, "sequence": 1, "clientId": owner, "clientName": "Owner",
        "recipient": RECIPIENT, "purpose": "identity_verification", "grantedScope": ["name", "email"],
        "action": "approve", "expiresAt": seen["expiresAt"] });
    assert_eq!(text, expected);
    let all = json!({ "signed": true, "text": true, "type": true, "origin": true, "rpId": true,
        "userPresent": true, "userVerified": true });
    assert_eq!(verified(&items[0]).await, all);

    for (field, from, to) in [("text", "name", "nama"), ("text", "\"sequence\":1", "\"sequence\":2")] {
        let mut changed = items[0].clone();
        let was = changed["proof"][field].as_str().unwrap().to_owned();
        changed["proof"][field] = json!(was.replacen(from, to, 1));
        assert_ne!(changed, items[0]);
        assert_eq!(verified(&changed).await["text"], false, "{from}");
    }
    let mut changed = items[0].clone();
    changed["proof"]["nonce"] = json!("AAAA");
    assert_eq!(verified(&changed).await["text"], false);
    let data = items[0]["proof"]["authenticatorData"].as_str().unwrap().to_owned();
    changed["proof"]["authenticatorData"] = json!(format!("{}A", &data[..data.len() - 1]));
    assert_eq!(verified(&changed).await["signed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_demands_a_passkey_gets_one_for_every_decision() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let demanding = json!({ "requireAssurance": "passkey" });
    let rejected = app.create_consent_with(demanding.clone()).await;
    assert_eq!(press(&mut ann, &rejected, "reject", &[]).await.status, 303);
    let seen = consent(&app, &rejected).await;
    assert_eq!((&seen["status"], &seen["assurance"]["method"]), (&json!("rejected"), &json!("passkey")));
    let id = app.create_consent_with(demanding).await;
    assert_eq!(press(&mut ann, &id, "approve", &ALL).await.status, 303);
    let page = ann.browser.open(&id).await;
    assert!(page.says("Withdraw with a passkey") && !page.says(">Withdraw consent<"), "{}", page.html);
    assert_eq!(press(&mut ann, &id, "withdraw", &[]).await.status, 303);
    assert_eq!(consent(&app, &id).await["status"], "revoked");
    let items = evidence(&app, &id).await;
    let actions: Vec<_> = items.iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["approve", "withdraw"]);
    for item in &items {
        assert_eq!(verified(item).await["text"], true, "{item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_is_decided_and_not_what_the_form_says_later() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let id = app.create_consent().await;
    let fields = [("action", "approve"), ("scope", "name"), ("claim.name", "Ann")];
    let begun = ann.begin(&id, &fields).await;
    let credential = ann.answer(&begun).to_string();
    let page = ann.browser.open(&id).await;
    let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
    let mut fields = vec![("csrf", csrf.as_str()), ("sequence", &sequence), ("action", "approve")];
    fields.extend([("session", begun["session"].as_str().unwrap()), ("credential", &credential)]);
    fields.extend([("scope", "email"), ("claim.email", "evil@example.com")]);
    assert_eq!(ann.browser.post(&format!("/r/{id}/passkey"), &fields).await.status, 303);
    let seen = consent(&app, &id).await;
    assert_eq!(seen["grantedScope"], json!(["name"]));
    assert_eq!(seen["claims"]["name"]["value"], "Ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_changed_while_the_passkey_was_asked_is_not_decided() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let id = app.create_consent().await;
    let fields = [("action", "approve"), ("scope", "name"), ("claim.name", "Ann")];
    let begun = ann.begin(&id, &fields).await;
    let credential = ann.answer(&begun);
    let changed =
        app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "payment" })).await;
    assert_eq!(changed.status, 200);
    let page = ann.finish(&id, &begun, &credential).await;
    assert_eq!((page.status, page.heading()), (409, "The request has changed"));
    assert_eq!(consent(&app, &id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_answers_once_in_time_and_in_its_own_browser() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let id = app.create_consent().await;
    let reject = [("action", "reject")];
    let begun = ann.begin(&id, &reject).await;
    let credential = ann.answer(&begun);
    let mut mallory = Enrollee::new(&app.api);
    let page = mallory.finish(&id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    app.advance(TimeDelta::minutes(5));
    let page = ann.finish(&id, &begun, &credential).await;
    assert!(page.status == 422 && page.says("longer than five minutes"), "{}", page.html);
    let begun = ann.begin(&id, &reject).await;
    let mut spoilt = ann.answer(&begun);
    spoilt["response"]["signature"] = json!("MAA");
    let page = ann.finish(&id, &begun, &spoilt).await;
    assert!(page.status == 422 && page.says("does not fit this page"), "{}", page.html);
    assert_eq!(consent(&app, &id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_passkey_decides_nor_one_of_a_clients_own_pages() {
    let app = TestApp::start().await;
    let _ann = ann(&app).await;
    let mut bob = Enrollee::new(&app.api);
    bob.enroll(&app, &create_with(&app.api, json!({ "recipient": "bob@example.com" })).await).await;
    let id = app.create_consent().await;
    let page = press(&mut bob, &id, "approve", &ALL).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    let (_, own) = device_of(&app.api, "ann").await;
    let mut client = Enrollee { browser: Visitor::new(&app), authenticator: own };
    let page = press(&mut client, &id, "approve", &ALL).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    assert_eq!(consent(&app, &id).await["status"], "pending");
    assert!(evidence(&app, &id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_client_blocked_decides_nothing_for_that_client() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let device = app.api.get("/v1/devices").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/block"), &json!({})).await.status, 200);
    let id = app.create_consent().await;
    let page = press(&mut ann, &id, "reject", &[]).await;
    assert!(page.status == 422 && page.says("does not accept this passkey"), "{}", page.html);
    let other = app.other_client().await;
    let made = other.post("/v1/service/consents", &crate::support::reference_body()).await;
    assert_eq!(press(&mut ann, &made.id(), "reject", &[]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_took_over_the_number_of_somebody_with_a_passkey_gives_and_sees_nothing() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let shared = app.create_consent().await;
    assert_eq!(press(&mut ann, &shared, "approve", &ALL).await.status, 303);
    let asked = app.create_consent().await;
    let mut mallory = Visitor::new(&app);
    for (id, action, fields) in [(&asked, "approve", &ALL[..]), (&shared, "view", &ALL[..0])] {
        assert_eq!(mallory.ask(id, action, fields).await.status, 303, "the same as for anybody");
        let page = mallory.enter(id, &super::last_code(&app)).await;
        assert_eq!((page.status, page.heading()), (403, "Use your passkey"), "{action}");
        assert!(!mallory.open(id).await.says("Öberg"));
    }
    assert_eq!(consent(&app, &asked).await["status"], "pending");
    // Nobody is kept from taking back what they gave.
    let mut ann = Visitor::new(&app);
    let page = ann.decide(&app, &asked, "reject", &[]).await;
    assert_eq!(page.heading(), "Rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_began_anew_inherits_no_request_and_the_former_holder_can_still_withdraw() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let (shared, asked) = (app.create_consent().await, app.create_consent().await);
    assert_eq!(press(&mut ann, &shared, "approve", &ALL).await.status, 303);
    let mut anew = Enrollee::new(&app.api);
    let enrollment = create(&app.api).await;
    anew.prove(&app, &enrollment).await;
    let csrf = anew.browser.csrf(&enrollment).await;
    anew.browser.post(&format!("/r/{enrollment}/recover"), &[("csrf", &csrf)]).await;
    anew.passkey(&enrollment).await;
    anew.passkey(&enrollment).await;
    for (id, action, fields) in
        [(&asked, "approve", &ALL[..]), (&shared, "withdraw", &ALL[..0]), (&shared, "view", &ALL[..0])]
    {
        let page = press(&mut anew, id, action, fields).await;
        assert_eq!(page.status, 422, "{action}: {}", page.html);
        assert_eq!(anew.browser.ask(id, action, fields).await.status, 303);
        let page = anew.browser.enter(id, &super::last_code(&app)).await;
        assert_eq!((page.status, page.heading()), (403, "This request was for somebody else"), "{action}");
    }
    assert_eq!(press(&mut ann, &shared, "withdraw", &[]).await.status, 303);
    assert_eq!(consent(&app, &shared).await["status"], "revoked");
    let next = app.create_consent().await;
    assert_eq!(press(&mut anew, &next, "approve", &ALL).await.status, 303);
    assert_ne!(consent(&app, &next).await["userId"], consent(&app, &shared).await["userId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_shows_what_was_shared_and_decides_nothing_by_it() {
    let app = TestApp::start().await;
    let mut ann = ann(&app).await;
    let id = app.create_consent().await;
    assert_eq!(press(&mut ann, &id, "approve", &ALL).await.status, 303);
    let mut elsewhere = Enrollee { browser: Visitor::new(&app), ..ann };
    assert!(!elsewhere.browser.open(&id).await.says("Öberg"));
    assert_eq!(press(&mut elsewhere, &id, "view", &[]).await.status, 303);
    assert!(elsewhere.browser.open(&id).await.says("Öberg"));
    assert_eq!(evidence(&app, &id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_by_code_has_no_proof_and_says_so() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    Visitor::new(&app).decide(&app, &id, "approve", &ALL).await;
    let items = evidence(&app, &id).await;
    assert_eq!(items[0]["assurance"]["method"], "one_time_code");
    assert_eq!(items[0]["proof"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_not_asked_for_without_end() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut mallory = Enrollee::new(&app.api);
    for _ in 0..60 {
        mallory.begin(&id, &[("action", "reject")]).await;
    }
    let page = mallory.try_begin(&id, &[("action", "reject")]).await;
    assert_eq!(page.status, 429, "{}", page.html);
    let mut ann = Visitor::new(&app);
    assert_eq!(ann.decide(&app, &id, "reject", &[]).await.heading(), "Rejected", "codes are counted apart");
}
