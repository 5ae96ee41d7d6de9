//! Several at the same time, on several instances.

use futures::future::join_all;
use serde_json::json;

use crate::support::authenticator::{Authenticator, begin, complete, device_of};
use crate::support::{TestApp, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_complete_one_session_one_does() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    for round in 1..=5 {
        let begun = begin(&app.api, Some("ann")).await;
        let credential = authenticator.get(&begun["publicKey"]);
        let both = (0..8).map(|n| if n % 2 == 0 { &app.api } else { &twin.api });
        let replies = join_all(both.map(|api| complete(api, &begun, &credential))).await;
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        for failed in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(failed.data()["reason"], "session_expired", "{}", failed.text);
        }
        assert_eq!(app.count("auth.success").await, round);
        assert_eq!(app.count("device.used").await, round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_began_any_other_completes() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let body = json!({ "userId": "ann" });
    let begun = app.api.post("/v1/auth/fido/register/begin", &body).await;
    let mut authenticator = Authenticator::at(&app.url(""));
    let credential = authenticator.create(&begun.data()["publicKey"]);
    let answer = json!({ "sessionId": begun.data()["sessionId"], "credential": credential });
    let registered = twin.api.post("/v1/auth/fido/register/complete", &answer).await;
    assert_eq!(registered.status, 200, "{}", registered.text);
    let begun = twin.api.post("/v1/auth/fido/authenticate/begin", &body).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let credential = authenticator.get(&begun.data()["publicKey"]);
    assert_eq!(complete(&app.api, begun.data(), &credential).await.status, 200);
}

/// Two assertions of a copied authenticator, with the same count, in two sessions: whichever comes second is caught,
/// however close they are, and nothing later gets in.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_show_the_same_count_one_gets_in() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for _ in 0..5 {
        let (device, mut authenticator) = device_of(&app.api, "ann").await;
        let (mine, copys) = (begin(&app.api, None).await, begin(&twin.api, None).await);
        let first = authenticator.get(&mine["publicKey"]);
        authenticator.counter = Some(0);
        let second = authenticator.get(&copys["publicKey"]);
        let (one, other) =
            tokio::join!(complete(&app.api, &mine, &first), complete(&twin.api, &copys, &second));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{} {}", one.text, other.text);
        let failed = if one.status == 422 { &one } else { &other };
        assert_eq!(failed.data()["reason"], "counter_regressed");
        assert_eq!(app.api.get(&format!("/v1/devices/{device}")).await.data()["status"], "blocked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_registered_twice_at_once_is_registered_once() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut authenticator = Authenticator::at(&app.url(""));
    let mut answers = vec![];
    for user in ["ann", "bob"] {
        let begun = app.api.post("/v1/auth/fido/register/begin", &json!({ "userId": user })).await;
        let credential = authenticator.create(&begun.data()["publicKey"]);
        answers.push(json!({ "sessionId": begun.data()["sessionId"], "credential": credential }));
    }
    let path = "/v1/auth/fido/register/complete";
    let (one, other) = tokio::join!(app.api.post(path, &answers[0]), twin.api.post(path, &answers[1]));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
    assert_eq!(app.count("device.registered").await, 1);
}

/// The log knows which consent it was: logins come in between and take nothing away.
#[tokio::test(flavor = "multi_thread")]
async fn logins_and_consents_go_through_the_same_log() {
    let app = TestApp::start().await;
    let (_, mut authenticator) = device_of(&app.api, "ann").await;
    authenticator.counter = None;
    let mut begun = vec![];
    for _ in 0..10 {
        let session = begin(&app.api, Some("ann")).await;
        let credential = authenticator.get(&session["publicKey"]);
        begun.push((session, credential));
    }
    let logins = join_all(begun.iter().map(|(session, credential)| complete(&app.api, session, credential)));
    let body = reference_body();
    let consents = join_all((0..10).map(|_| app.api.post("/v1/service/consents", &body)));
    let (logins, consents) = tokio::join!(logins, consents);
    for reply in logins.iter().chain(&consents) {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let gaps: i64 = sqlx::query_scalar("select max(position) - count(*) from events")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(gaps, 0);
}
