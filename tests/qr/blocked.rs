//! A client that blocked a device of somebody, and what that one does next.

use serde_json::{Value, json};

use crate::me::Guest;
use crate::pages::Visitor;
use crate::support::authenticator::Authenticator;
use crate::support::enrollee::{Enrollee, create};
use crate::support::login::{ann, generate};
use crate::support::{Api, TestApp};

/// The first device of a client's that has this status.
async fn device(app: &TestApp, api: &Api, status: &str) -> String {
    app.caught_up().await;
    let devices = api.get(&format!("/v1/devices?status={status}")).await;
    devices.data()["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn post(api: &Api, device: &str, what: &str) {
    let reply = api.post(&format!("/v1/devices/{device}/{what}"), &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// Adds another passkey under `/me` by the one that there is; whoever has both.
async fn with_another(app: &TestApp, first: Enrollee) -> (Guest, Authenticator) {
    let mut guest = Guest { browser: Visitor::new(app), authenticator: first.authenticator };
    guest.sign_in().await;
    let first = std::mem::replace(&mut guest.authenticator, Authenticator::at(&app.url("")));
    let added = guest.press("/me/passkeys/begin", "/me/passkeys", &[]).await;
    assert_eq!(added.status, 303, "{}", added.html);
    (guest, first)
}

/// Tries to log in to a client; the reason why not, if not.
async fn log_in(app: &TestApp, api: &Api, authenticator: Authenticator) -> (Value, Authenticator) {
    let login = generate(api).await;
    let mut somebody = Enrollee { browser: Visitor::new(app), authenticator };
    somebody.log_in(&login).await;
    let reason: Option<String> = sqlx::query_scalar(
        "select payload -> 'data' ->> 'reason' from events
         where event_type in ('auth.success', 'auth.failed') order by position desc limit 1",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    let used = login.seen(api).await["status"] == "used";
    assert_eq!(used, reason.is_none());
    (json!(reason), somebody.authenticator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_device_is_not_got_around_by_a_passkey_that_was_added_with_it() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let (ann, _) = ann(&app).await;
    let blocked = device(&app, &app.api, "active").await;
    post(&app.api, &blocked, "block").await;
    // Whoever holds the stolen phone is still let in under /me, which is no client's, and adds a passkey there.
    let (mut thief, stolen) = with_another(&app, ann).await;
    let added = std::mem::replace(&mut thief.authenticator, stolen);
    let (reason, added) = log_in(&app, &app.api, added).await;
    assert_eq!(reason, "device_blocked");
    let consent = app.create_consent_with(json!({ "scope": [] })).await;
    let mut somebody = Enrollee { browser: Visitor::new(&app), authenticator: added };
    let begun = somebody.begin(&consent, &[("action", "approve")]).await;
    let credential = somebody.answer(&begun);
    let refused = somebody.finish(&consent, &begun, &credential).await;
    assert!(refused.status == 422 && refused.says("does not accept this passkey"), "{}", refused.html);
    // It binds that client alone.
    let (reason, added) = log_in(&app, &other, somebody.authenticator).await;
    assert_eq!(reason, Value::Null);
    // Nor does it help to drop the blocked one, which is deregistered then.
    thief.sign_in().await;
    let first = thief.passkeys().await.remove(0);
    assert_eq!(thief.post(&format!("{first}/drop"), &[]).await.status, 303);
    assert_eq!(device(&app, &app.api, "deregistered").await, blocked);
    let (reason, added) = log_in(&app, &app.api, added).await;
    assert_eq!(reason, "device_blocked");
    // Until the client enrolls whom it trusts, with the passkey that they have.
    let enrollment = create(&app.api).await;
    let mut enrolled = Enrollee { browser: Visitor::new(&app), authenticator: added };
    enrolled.prove(&app, &enrollment).await;
    assert_eq!(enrolled.passkey(&enrollment).await.heading(), "Your passkey is set up");
    assert_eq!(log_in(&app, &app.api, enrolled.authenticator).await.0, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_unblocks_a_device_lets_the_persons_other_passkeys_in_again() {
    let app = TestApp::start().await;
    let (ann, _) = ann(&app).await;
    let blocked = device(&app, &app.api, "active").await;
    let (guest, first) = with_another(&app, ann).await;
    let (reason, second) = log_in(&app, &app.api, guest.authenticator).await;
    assert_eq!(reason, Value::Null, "a passkey that is no device to a client logs in there");
    post(&app.api, &blocked, "block").await;
    let (reason, second) = log_in(&app, &app.api, second).await;
    assert_eq!(reason, "device_blocked");
    post(&app.api, &blocked, "unblock").await;
    for authenticator in [first, second] {
        assert_eq!(log_in(&app, &app.api, authenticator).await.0, Value::Null);
    }
}
