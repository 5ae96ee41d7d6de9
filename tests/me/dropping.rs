//! What goes with a passkey that is dropped: what browsers may still see by it, and the devices that it was to clients.

use chrono::TimeDelta;
use mobid::event_store::{CommandContext, Terms};
use mobid::person::device::{self, Member};
use mobid::person::passkey::{self, NotTaken};
use mobid::person::{Occasion, holder};
use mobid::workers::dropped_passkeys::settle_due;
use mobid_domain::actor::Actor;
use mobid_domain::fido::Reason;
use mobid_domain::handle::Handle;
use mobid_domain::person::{DropReason, Person, PersonCommand, TENANT};
use serde_json::json;

use super::{Guest, ann};
use crate::pages::{ALL, Visitor};
use crate::support::authenticator::Authenticator;
use crate::support::enrollee::{Enrollee, create_with};
use crate::support::{Api, RECIPIENT, TestApp};

const ANN: &str = "ann@example.com";
const SHARED: &str = "Ann Öberg";

async fn statuses(app: &TestApp, api: &Api) -> Vec<String> {
    app.caught_up().await;
    let devices = api.get("/v1/devices").await;
    let items = devices.data()["items"].as_array().unwrap().iter();
    items.map(|device| device["status"].as_str().unwrap().to_owned()).collect()
}

/// Ann, who is known to two clients, and has the same passkey with both.
async fn known_to_two(app: &TestApp, other: &Api) -> Guest {
    let ann = ann(app, &app.api, ANN).await;
    let mut enrollee = Enrollee { browser: Visitor::new(app), authenticator: ann.authenticator };
    let id = create_with(other, json!({ "recipient": ANN })).await;
    enrollee.prove(app, &id).await;
    enrollee.passkey(&id).await;
    Guest { browser: Visitor::new(app), authenticator: enrollee.authenticator }
}

/// Drops a person's passkeys in the log, and nothing else: as if whoever did so had gone away right afterwards.
async fn drop_and_go_away(app: &TestApp, handle: &str) {
    let handle: Handle = handle.parse().unwrap();
    let found = holder::find(&app.app, &handle).await.unwrap().unwrap();
    let context = CommandContext {
        actor: Actor::Person(found.id),
        ..CommandContext::system("test", TENANT, app.clock().now(), None)
    };
    for passkey in found.record.active() {
        let command = PersonCommand::DropPasskey { passkey_id: passkey.id, reason: DropReason::Removed };
        let id = found.id.to_string();
        app.app.store.execute::<Person>(&id, command, &context, Terms::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_what_a_code_showed_in_another_browser() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut elsewhere = Visitor::new(&app);
    elsewhere.decide(&app, &id, "approve", &ALL).await;
    assert!(elsewhere.open(&id).await.says(SHARED));
    let of_bob = app.create_consent_with(json!({ "recipient": "bob@example.com" })).await;
    let mut bob = Visitor::new(&app);
    bob.decide(&app, &of_bob, "approve", &ALL).await;
    let mut ann = Guest::new(&app);
    ann.sign_in_by_code(&app, RECIPIENT).await;
    ann.post("/me/sign-out", &[]).await;
    assert!(elsewhere.open(&id).await.says(SHARED), "signing out here ends nothing there");
    ann.sign_in_by_code(&app, RECIPIENT).await;
    ann.post("/me/sign-out", &[("action", "everywhere")]).await;
    let page = elsewhere.open(&id).await;
    assert!(page.heading() == "Approved" && !page.says(SHARED), "{}", page.html);
    assert!(bob.open(&of_bob).await.says(SHARED), "nor anything of anybody else's");
}

/// Approves a consent with the passkey, in a browser of its own, which may then see what was shared.
async fn approve(app: &TestApp, ann: &mut Guest) -> (Visitor, String) {
    let id = app.create_consent_with(json!({ "recipient": ANN })).await;
    let theirs = std::mem::replace(&mut ann.authenticator, Authenticator::at(&app.url("")));
    let mut enrollee = Enrollee { browser: Visitor::new(app), authenticator: theirs };
    let fields = [&[("action", "approve")], &ALL[..]].concat();
    let begun = enrollee.begin(&id, &fields).await;
    let credential = enrollee.answer(&begun);
    assert_eq!(enrollee.finish(&id, &begun, &credential).await.status, 303);
    ann.authenticator = enrollee.authenticator;
    assert!(enrollee.browser.open(&id).await.says(SHARED));
    (enrollee.browser, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_passkey_ends_what_it_showed_in_another_browser() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    let (mut elsewhere, id) = approve(&app, &mut ann).await;
    ann.sign_in().await;
    let passkey = ann.passkeys().await.remove(0);
    assert_eq!(ann.post(&format!("{passkey}/drop"), &[("sure", "yes")]).await.status, 303);
    assert!(!elsewhere.open(&id).await.says(SHARED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_ends_the_devices_at_every_client_and_what_was_shown() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut ann = known_to_two(&app, &other).await;
    let (mut elsewhere, id) = approve(&app, &mut ann).await;
    for api in [&app.api, &other] {
        assert_eq!(statuses(&app, api).await, ["active"]);
    }
    ann.authenticator.counter = Some(0);
    let page = ann.press("/me/passkey/begin", "/me/passkey", &[]).await;
    assert!(page.status == 422 && page.says("a copy of this passkey"), "{}", page.html);
    for api in [&app.api, &other] {
        assert_eq!(statuses(&app, api).await, ["deregistered"]);
    }
    assert!(!elsewhere.open(&id).await.says(SHARED));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_go_though_whoever_dropped_their_passkey_went_away() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    known_to_two(&app, &other).await;
    drop_and_go_away(&app, ANN).await;
    app.caught_up().await;
    settle_due(&app.app).await.unwrap();
    for api in [&app.api, &other] {
        assert_eq!(statuses(&app, api).await, ["deregistered"]);
    }
    // It is looked at once more when no request from before can be under way, and then it is done.
    app.advance(TimeDelta::hours(1));
    settle_due(&app.app).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from dropped_passkeys").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_is_dropped_while_somebody_enrolls_with_it_becomes_no_device() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    ann(&app, &app.api, ANN).await;
    let handle: Handle = ANN.parse().unwrap();
    let found = holder::find(&app.app, &handle).await.unwrap().unwrap();
    // What an enrollment knows once the passkey answered, before the device is registered.
    let answered = found.record.active().next().unwrap();
    let kept = passkey::kept(&app.app, found.id, answered).await.unwrap();
    drop_and_go_away(&app, ANN).await;
    let made = create_with(&other, json!({ "recipient": ANN })).await;
    let tenant: String = sqlx::query_scalar("select tenant from events where aggregate_id = $1")
        .bind(&made)
        .fetch_one(app.pool())
        .await
        .unwrap();
    let client = tenant.parse().unwrap();
    let (user, key) = app.app.vault.person_now(client, &handle).await.unwrap();
    let member = Member { client, user, key: &key };
    let occasion = Occasion { at: app.clock().now(), request_id: "req_1".to_owned(), lang: "en" };
    let made = device::find_or_register(&app.app, member, (found.id, answered, &kept), &occasion).await;
    assert!(matches!(made, Err(NotTaken::Bad(Reason::UnknownCredential))), "{made:?}");
    assert_eq!(statuses(&app, &other).await, ["deregistered"]);
}
