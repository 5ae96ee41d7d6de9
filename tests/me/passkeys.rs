//! Passkeys: what is said of them, how another one comes, and how one goes.

use chrono::TimeDelta;
use serde_json::json;

use super::{Guest, ann};
use crate::support::authenticator::Authenticator;
use crate::support::{RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";
const CREATE: (&str, &str) = ("/me/passkeys/begin", "/me/passkeys");

async fn device_statuses(app: &TestApp) -> Vec<String> {
    app.caught_up().await;
    let devices = app.api.get("/v1/devices").await;
    let items = devices.data()["items"].as_array().unwrap().iter();
    items.map(|device| device["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_passkey_goes_only_by_an_explicit_yes_and_ends_every_session_at_once() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let mut elsewhere = Guest { browser: ann.at_another_browser(&app), ..Guest::new(&app) };
    let mut there = Guest::new(&twin);
    ann.sign_in().await;
    there.browser.cookie.clone_from(&ann.browser.cookie);
    assert!(there.is_signed_in().await && elsewhere.is_signed_in().await);
    assert_eq!(device_statuses(&app).await, ["active"]);

    let passkey = ann.passkeys().await.remove(0);
    let page = ann.browser.get(&passkey).await;
    assert_eq!(page.heading(), "Remove this passkey?");
    assert!(page.says("This is your last passkey") && page.says("a•••@e•••.com can see all of this"));
    let refused = ann.post(&format!("{passkey}/drop"), &[]).await;
    assert!(refused.status == 422 && refused.says("Tick the box"), "{}", refused.html);
    assert!(there.is_signed_in().await);
    let done = ann.post(&format!("{passkey}/drop"), &[("sure", "yes")]).await;
    assert_eq!((done.status, done.location()), (303, "/me/left/dropped"), "{}", done.html);
    assert_eq!(ann.browser.get("/me/left/dropped").await.heading(), "The passkey was removed");
    for guest in [&mut ann, &mut elsewhere, &mut there] {
        assert!(!guest.is_signed_in().await);
    }
    // It opens nothing any more, and the client knows.
    let page = ann.press("/me/passkey/begin", "/me/passkey", &[]).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    assert_eq!(device_statuses(&app).await, ["deregistered"]);
    // And a code is enough again, as was said.
    let mut by_code = Guest::new(&app);
    by_code.sign_in_by_code(&app, ANN).await;
    assert!(by_code.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_forgotten_to_be_deleted_ends_with_the_passkey_all_the_same() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let mut phone = Guest { browser: ann.at_another_browser(&app), ..Guest::new(&app) };
    ann.sign_in().await;
    // A copy of the rows as they were, put back once the passkey is gone.
    sqlx::query("create table copies as select * from person_sessions").execute(app.pool()).await.unwrap();
    let passkey = ann.passkeys().await.remove(0);
    ann.post(&format!("{passkey}/drop"), &[("sure", "yes")]).await;
    sqlx::query("insert into person_sessions select * from copies").execute(app.pool()).await.unwrap();
    assert!(!phone.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_ends_the_passkey_and_every_session() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let mut phone = Guest { browser: ann.at_another_browser(&app), ..Guest::new(&app) };
    assert!(phone.is_signed_in().await);
    ann.authenticator.counter = Some(0);
    let page = ann.press("/me/passkey/begin", "/me/passkey", &[]).await;
    assert!(page.status == 422 && page.says("a copy of this passkey"), "{}", page.html);
    assert!(!phone.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_passkey_is_added_by_the_first_and_either_may_go() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let begun = ann.post(CREATE.0, &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    let excluded = begun["create"]["excludeCredentials"].as_array().unwrap();
    assert_eq!(excluded.len(), 1, "a device that has one does not make another");
    assert_eq!(excluded[0]["id"], ann.authenticator.get_id());
    let first = std::mem::replace(&mut ann.authenticator, Authenticator::at(&app.url("")));
    ann.authenticator.aaguid = *uuid::uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4").as_bytes();
    let done = ann.press(CREATE.0, CREATE.1, &[]).await;
    assert_eq!((done.status, done.location()), (303, "/me"), "{}", done.html);
    let page = ann.home().await;
    assert!(page.says("Google Password Manager") && page.says("Passkey 1"), "{}", page.html);
    let passkeys = ann.passkeys().await;
    assert_eq!(passkeys.len(), 2);
    // The new one signs in, and may drop the first without being the last.
    ann.sign_in().await;
    let page = ann.browser.get(&passkeys[0]).await;
    assert!(!page.says("last passkey"), "{}", page.html);
    assert_eq!(ann.post(&format!("{}/drop", passkeys[0]), &[]).await.status, 303);
    ann.sign_in().await;
    assert_eq!(ann.passkeys().await.len(), 1);
    let mut lost = Guest { authenticator: first, ..Guest::new(&app) };
    assert_eq!(lost.press("/me/passkey/begin", "/me/passkey", &[]).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_by_code_creates_a_passkey_and_from_then_on_needs_it() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let mut phone = Guest::new(&app);
    phone.sign_in_by_code(&app, RECIPIENT).await;
    let mut ann = Guest::new(&app);
    ann.sign_in_by_code(&app, RECIPIENT).await;
    let before = ann.browser.cookie.clone();
    let done = ann.press(CREATE.0, CREATE.1, &[]).await;
    assert_eq!((done.status, done.location()), (303, "/me"), "{}", done.html);
    assert_ne!(ann.browser.cookie, before, "a proof makes another session");
    assert!(ann.home().await.says("You signed in with this one"));
    assert_eq!(phone.home().await.heading(), "Use your passkey", "a code does not do any more");
    ann.sign_in().await;
    // Somebody who began to create one while there was none does not add it beside.
    let mut mallory = Guest::new(&app);
    mallory.sign_in_by_code(&app, RECIPIENT).await;
    assert_eq!(mallory.post(CREATE.0, &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_create_the_first_passkey_at_once_are_left_with_one() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let (mut one, mut two) = (Guest::new(&app), Guest::new(&app));
    one.sign_in_by_code(&app, RECIPIENT).await;
    two.sign_in_by_code(&app, RECIPIENT).await;
    let begun = two.post(CREATE.0, &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    let csrf = two.csrf().await;
    assert_eq!(one.press(CREATE.0, CREATE.1, &[]).await.status, 303);
    let credential = two.authenticator.create(&begun["create"]).to_string();
    let session = begun["session"].as_str().unwrap();
    let fields = [("csrf", csrf.as_str()), ("session", session), ("credential", &credential)];
    let page = two.browser.post(CREATE.1, &fields).await;
    assert_eq!(page.status, 403, "{}", page.html);
    assert_eq!(one.passkeys().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_undone_takes_a_proof_from_the_last_five_minutes() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let passkey = ann.passkeys().await.remove(0);
    app.advance(TimeDelta::minutes(5));
    let page = ann.post(CREATE.0, &[]).await;
    assert_eq!((page.status, page.heading()), (403, "Please sign in again first"));
    let page = ann.browser.get(&passkey).await;
    assert!(page.says("so your passkey is asked for first"), "{}", page.html);
    let drop = format!("{passkey}/drop");
    let page = ann.post(&drop, &[("sure", "yes")]).await;
    assert_eq!(page.status, 200, "it asks again: {}", page.html);
    // Another person's passkey is no proof, nor is one that was asked for elsewhere.
    let mut bob = super::ann(&app, &app.api, "bob@example.com").await;
    std::mem::swap(&mut ann.authenticator, &mut bob.authenticator);
    let page = ann.press(&format!("{passkey}/begin"), &drop, &[("sure", "yes")]).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    std::mem::swap(&mut ann.authenticator, &mut bob.authenticator);
    let begun = ann.post("/me/passkey/begin", &[]).await;
    let begun: serde_json::Value = serde_json::from_str(&begun.html).unwrap();
    let credential = ann.authenticator.get(&begun["get"]);
    let page = ann.answer(&drop, &[("sure", "yes")], &begun, &credential).await;
    assert!(page.status == 422 && page.says("sent twice"), "{}", page.html);
    let page = ann.press(&format!("{passkey}/begin"), &drop, &[("sure", "yes")]).await;
    assert_eq!((page.status, page.location()), (303, "/me/left/dropped"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_drops_what_is_not_theirs() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let theirs = ann.passkeys().await.remove(0);
    let mut bob = super::ann(&app, &app.api, "bob@example.com").await;
    bob.sign_in().await;
    assert_eq!(bob.browser.get(&theirs).await.status, 404);
    for path in ["begin", "drop"] {
        let page = bob.post(&format!("{theirs}/{path}"), &[("sure", "yes")]).await;
        assert_eq!(page.status, 404, "{path}");
    }
    assert!(ann.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_blocks_its_device_shuts_nobody_out_of_what_is_theirs() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    app.caught_up().await;
    let device = app.api.get("/v1/devices").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.api.post(&format!("/v1/devices/{device}/block"), &json!({})).await.status, 200);
    ann.sign_in().await;
    assert!(ann.is_signed_in().await);
}
