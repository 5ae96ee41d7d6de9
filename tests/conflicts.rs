//! Two who change one consent at the same time: the log has one order, and every answer agrees with it.

use futures::future::join_all;
use mobid::app::App;
use mobid::event_store::{CommandContext, ExecuteError, Terms};
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Consent, ConsentCommand, ConsentError, Status};
use mobid_domain::id::ClientId;
use mobid_projections::stream::reader;
use reqwest::Method;
use serde_json::json;

use crate::support::{Api, Decided, Reply, TestApp, approve, decide, passkey};

/// Rounds that go on at the same time.
const AT_ONCE: usize = 50;

fn path_of(id: &str) -> String {
    format!("/v1/service/consents/{id}")
}

async fn owner(app: &TestApp) -> ClientId {
    app.app.keys.authenticate(&app.api.key).await.unwrap().id
}

async fn revoke(app: &App, tenant: ClientId, id: &str) -> Decided {
    let context = CommandContext {
        actor: Actor::Client(tenant),
        ..CommandContext::system("test", tenant, app.clock.now(), None)
    };
    app.store.execute::<Consent>(id, ConsentCommand::Revoke, &context, Terms::default()).await
}

async fn reject(app: &App, id: &str) -> Decided {
    decide(app, id, ConsentCommand::Reject { assurance: passkey(app.clock.now()) }).await
}

/// What the log says of a consent after its creation.
async fn story(app: &App, id: &str) -> Vec<String> {
    let events = reader::of_aggregate(&app.pool, "consent", id, 1).await.unwrap();
    events.into_iter().map(|event| event.event_type).collect()
}

#[track_caller]
fn assert_closed(decided: &Decided, status: Status) {
    match decided {
        Err(ExecuteError::Refused(ConsentError::AlreadyClosed(found))) => assert_eq!(*found, status),
        other => panic!("{other:?}"),
    }
}

/// Revoking an approval is legal, approving what was revoked is not: each outcome fits one order of the two.
#[track_caller]
fn assert_serial(approved: &Decided, revoked: &Decided, story: &[String]) {
    let revoked = revoked.as_ref().unwrap();
    match approved {
        Ok(approved) => {
            assert_eq!(story, ["consent.approved", "consent.revoked"]);
            assert_eq!((approved.sequence, revoked.sequence), (2, 3));
        }
        refused => {
            assert_eq!(story, ["consent.revoked"]);
            assert_closed(refused, Status::Revoked);
            assert_eq!(revoked.sequence, 2);
        }
    }
}

async fn race_approve_against_revoke(one: &TestApp, other: &TestApp, rounds: usize) {
    let tenant = owner(one).await;
    let (mut approvals, mut refusals) = (0, 0);
    for _ in 0..rounds / AT_ONCE {
        let round = async |n: usize| {
            let id = one.create_consent().await;
            let (approved, revoked) = if n.is_multiple_of(2) {
                tokio::join!(approve(&one.app, &id), revoke(&other.app, tenant, &id))
            } else {
                let (revoked, approved) =
                    tokio::join!(revoke(&other.app, tenant, &id), approve(&one.app, &id));
                (approved, revoked)
            };
            assert_serial(&approved, &revoked, &story(&one.app, &id).await);
            approved.is_ok()
        };
        for approved in join_all((0..AT_ONCE).map(round)).await {
            *(if approved { &mut approvals } else { &mut refusals }) += 1;
        }
    }
    assert_eq!(approvals + refusals, rounds);
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_and_revoking_at_once_happens_in_one_order() {
    let app = TestApp::start().await;
    race_approve_against_revoke(&app, &app, 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_at_one_instance_and_revoking_at_another_happens_in_one_order() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    race_approve_against_revoke(&app, &twin, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_two_first_decisions() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for _ in 0..1_000 / AT_ONCE {
        let round = async |n: usize| {
            let id = app.create_consent().await;
            let other = if n.is_multiple_of(2) { &app.app } else { &twin.app };
            let (approved, rejected) = tokio::join!(approve(&app.app, &id), reject(other, &id));
            match (&approved, &rejected) {
                (Ok(_), refused) => {
                    assert_closed(refused, Status::Approved);
                    assert_eq!(story(&app.app, &id).await, ["consent.approved"]);
                }
                (refused, Ok(_)) => {
                    assert_closed(refused, Status::Rejected);
                    assert_eq!(story(&app.app, &id).await, ["consent.rejected"]);
                }
                neither => panic!("{neither:?}"),
            }
        };
        join_all((0..AT_ONCE).map(round)).await;
    }
}

/// A client that takes back the version it saw, while the recipient decides on it: one of the two happens.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_approval_and_a_revocation_of_the_same_version_exactly_one_wins() {
    let app = TestApp::start().await;
    for _ in 0..1_000 / AT_ONCE {
        let round = async |_: usize| {
            let id = app.create_consent().await;
            let (approved, revoked) =
                tokio::join!(approve(&app.app, &id), change(&app.api, Method::DELETE, &id));
            match (&approved, revoked.status) {
                (Ok(_), 409) => assert_eq!(story(&app.app, &id).await, ["consent.approved"]),
                (refused, 200) => {
                    assert_closed(refused, Status::Revoked);
                    assert_eq!(story(&app.app, &id).await, ["consent.revoked"]);
                }
                (approved, revoked) => panic!("{approved:?} and {revoked}"),
            }
        };
        join_all((0..AT_ONCE).map(round)).await;
    }
}

async fn change(api: &Api, method: Method, id: &str) -> Reply {
    let request = api.request(method.clone(), &path_of(id)).header("If-Match", "\"1\"");
    let body = json!({ "metadata": { "by": format!("{method}") } });
    Reply::of(if method == Method::DELETE { request } else { request.json(&body) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_change_the_same_version_one_wins_and_one_is_told() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for _ in 0..4 {
        let round = async |n: usize| {
            let id = app.create_consent().await;
            let other = if n.is_multiple_of(2) { &app.api } else { &twin.api };
            let (one_does, other_does) = match n % 3 {
                0 => (Method::DELETE, Method::DELETE),
                1 => (Method::PATCH, Method::PUT),
                _ => (Method::PATCH, Method::DELETE),
            };
            let (one, two) = tokio::join!(change(&app.api, one_does, &id), change(other, other_does, &id));
            let (winner, loser) = if one.status == 200 { (one, two) } else { (two, one) };
            assert_eq!((winner.status, loser.status), (200, 409), "{} {}", winner.text, loser.text);
            assert_eq!(winner.header("etag"), "\"2\"");
            assert!(
                loser.data() == &json!({ "etag": "\"2\"" })
                    || loser.data() == &json!({ "status": "revoked" }),
                "{}",
                loser.text
            );
            let now = app.api.get(&path_of(&id)).await;
            assert_eq!(now.data(), winner.data());
        };
        join_all((0..AT_ONCE).map(round)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_condition_both_changes_are_made_one_after_the_other() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let round = async |_| {
        let id = app.create_consent().await;
        let (purpose, scope) = (json!({ "purpose": "login" }), json!({ "scope": ["name"] }));
        let path = path_of(&id);
        let (one, two) = tokio::join!(app.api.patch(&path, &purpose), twin.api.patch(&path, &scope));
        assert_eq!((one.status, two.status), (200, 200));
        let now = app.api.get(&path).await;
        assert_eq!((&now.data()["purpose"], &now.data()["scope"]), (&json!("login"), &json!(["name"])));
        assert_eq!(now.header("etag"), "\"3\"");
    };
    join_all((0..AT_ONCE).map(round)).await;
}
