//! `?wait=`: an answer once the status changes.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tokio::task::JoinHandle;

use super::path_of;
use crate::support::{Api, Reply, TestApp, approve};

/// What must come soon comes well within this.
const SOON: Duration = Duration::from_secs(5);

fn wait(api: &Api, id: &str, seconds: u32) -> JoinHandle<Reply> {
    let (api, path) = (api.clone(), format!("{}?wait={seconds}", path_of(id)));
    tokio::spawn(async move { api.get(&path).await })
}

async fn soon(waiting: JoinHandle<Reply>) -> Reply {
    tokio::time::timeout(SOON, waiting).await.expect("an answer").unwrap()
}

/// Until the request that waits has read the consent, nothing can be told from a change before it.
async fn still_waiting(waiting: &mut JoinHandle<Reply>) {
    tokio::time::timeout(Duration::from_millis(300), waiting).await.expect_err("it waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_not_waited_for() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.delete(&path_of(&id)).await;
    assert_eq!(soon(wait(&app.api, &id, 30)).await.data()["status"], "revoked");
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::minutes(1));
    assert_eq!(soon(wait(&app.api, &id, 30)).await.data()["status"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_wait_answers_at_once() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    assert_eq!(soon(wait(&app.api, &id, 0)).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_another_request_changes_the_status() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.api.patch(&path_of(&id), &json!({ "purpose": "login" })).await;
    still_waiting(&mut waiting).await;
    approve(&app.app, &id).await.unwrap();
    let reply = soon(waiting).await;
    assert_eq!((&reply.data()["status"], reply.header("etag")), (&json!("approved"), "\"3\""));
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.api.delete(&path_of(&id)).await;
    assert_eq!(soon(waiting).await.data()["status"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_another_instance_changes_the_status() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let id = app.create_consent().await;
    let mut waiting = wait(&twin.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.api.delete(&path_of(&id)).await;
    assert_eq!(soon(waiting).await.data()["status"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_at_the_deadline() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::seconds(45));
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.advance(TimeDelta::seconds(15));
    assert_eq!(soon(waiting).await.data()["status"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_bounded() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.advance(TimeDelta::seconds(30));
    let reply = soon(waiting).await;
    assert_eq!((reply.status, &reply.data()["status"]), (200, &json!("pending")));
    for seconds in ["31", "-1", "x", "", "1.5"] {
        let reply = app.api.get(&format!("{}?wait={seconds}", path_of(&id))).await;
        assert_eq!((reply.status, reply.errors()), (400, vec!["wait:invalid_parameter".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answers_who_waits() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.stop().await;
    assert_eq!(soon(waiting).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_too_often_is_told_so_and_others_are_not() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let id = app.create_consent().await;
    let client = app.app.keys.authenticate(&app.api.key).await.unwrap().id;
    let mut places = Vec::new();
    while let Some(place) = app.app.changes.wait_for(client, id.clone()) {
        places.push(place);
    }
    let reply = app.api.get(&format!("{}?wait=1", path_of(&id))).await;
    assert_eq!((reply.status, &reply.body["type"]), (429, &json!("rate_limited")), "{}", reply.text);
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(app.api.get(&format!("{}?wait=0", path_of(&id))).await.status, 200);
    let body = crate::support::reference_body();
    let theirs = other.post("/v1/service/consents", &body).await.id();
    let mut waiting = wait(&other, &theirs, 30);
    still_waiting(&mut waiting).await;
    other.delete(&path_of(&theirs)).await;
    assert_eq!(soon(waiting).await.data()["status"], "revoked");
    places.pop();
    let mut waiting = wait(&app.api, &id, 30);
    still_waiting(&mut waiting).await;
    app.api.delete(&path_of(&id)).await;
    assert_eq!(soon(waiting).await.data()["status"], "revoked");
}

/// Hundreds who wait cost no more looks at the log than one: they are woken by what concerns them alone.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_woken_by_its_own_consent_alone() {
    let app = TestApp::start().await;
    let (id, other) = (app.create_consent().await, app.create_consent().await);
    let client = app.app.keys.authenticate(&app.api.key).await.unwrap().id;
    let mut mine = app.app.changes.wait_for(client, id.clone()).unwrap();
    let mut others = app.app.changes.wait_for(client, other.clone()).unwrap();
    for _ in 0..20 {
        app.create_consent().await;
    }
    mine.mark();
    app.api.delete(&path_of(&other)).await;
    tokio::time::timeout(SOON, others.changed()).await.expect("its consent has changed");
    tokio::time::timeout(Duration::from_millis(300), mine.changed()).await.expect_err("its own has not");
}
