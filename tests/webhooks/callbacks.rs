//! What a consent's own `callbackUrl` hears, in the vendor's form.

use chrono::TimeDelta;
use mobid_domain::consent::ConsentCommand;
use serde_json::{Value, json};

use super::subscriber::Subscriber;
use super::{approve, as_recipient, one_time_code, register, session, until, until_settled};
use crate::support::TestApp;

fn claims() -> Value {
    json!({ "name": { "value": "Ann Example", "source": "self_asserted" } })
}

async fn create(app: &TestApp, subscriber: &Subscriber) -> String {
    let changes = json!({ "callbackUrl": subscriber.url(), "metadata": { "order": "7" }, "scope": ["name"] });
    app.create_consent_with(changes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_told_with_its_claims() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::start().await;
    let id = create(&app, &subscriber).await;
    approve(&app, &id, &claims()).await;
    subscriber.has_received(1).await;
    let expected = json!({
        "sessionId": id,
        "status": "APPROVED",
        "timestamp": app.clock().now().timestamp_millis(),
        "data": {
            "userId": session(&app, &id).await.request.user_id,
            "claims": claims(),
            "grantedScope": ["name"],
            "purpose": "identity_verification",
            "metadata": { "order": "7" },
            "sequence": 2,
            "assurance": one_time_code(&app),
        },
    });
    assert_eq!(subscriber.bodies(), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_told_and_nothing_else() {
    let app = TestApp::start().await;
    let subscriber = Subscriber::start().await;
    let rejected = create(&app, &subscriber).await;
    let revoked = create(&app, &subscriber).await;
    let withdrawn = create(&app, &subscriber).await;
    let expired = create(&app, &subscriber).await;
    as_recipient(&app, &rejected, ConsentCommand::Reject { assurance: one_time_code(&app) }).await;
    app.api.delete(&format!("/v1/service/consents/{revoked}")).await;
    approve(&app, &withdrawn, &claims()).await;
    subscriber.has_received(3).await;
    as_recipient(&app, &withdrawn, ConsentCommand::Withdraw { assurance: one_time_code(&app) }).await;
    subscriber.has_received(4).await;
    app.advance(TimeDelta::days(2));
    subscriber.has_received(5).await;
    until_settled(&app).await;
    let mut heard: Vec<_> = subscriber
        .bodies()
        .iter()
        .map(|body| (body["sessionId"].as_str().unwrap().to_owned(), body["status"].clone()))
        .collect();
    heard.sort_by_key(|(id, status)| (id.clone(), status.to_string()));
    let mut expected = vec![
        (rejected, json!("REJECTED")),
        (revoked, json!("REVOKED")),
        (withdrawn.clone(), json!("APPROVED")),
        (withdrawn, json!("REVOKED")),
        (expired.clone(), json!("EXPIRED")),
    ];
    expected.sort_by_key(|(id, status)| (id.clone(), status.to_string()));
    assert_eq!(heard, expected);
    let bodies = subscriber.bodies();
    for body in bodies.iter().filter(|body| body["status"] != "APPROVED") {
        assert_eq!(body["data"]["claims"], Value::Null);
    }
    let told = bodies.iter().find(|body| body["sessionId"] == expired.as_str()).unwrap();
    let deadline = session(&app, &expired).await.request.expires_at;
    assert_eq!(told["timestamp"], deadline.timestamp_millis());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_retry_does_not_hand_out_claims_that_were_taken_back() {
    let app = TestApp::start().await;
    let callback = Subscriber::answering(&[500, 200]).await;
    let endpoint = Subscriber::answering(&[500, 200]).await;
    register(&app.api, &endpoint.url(), &["consent.approved"]).await;
    let id = create(&app, &callback).await;
    approve(&app, &id, &claims()).await;
    until(&app, |all| all.len() == 2 && all.iter().all(|delivery| delivery.attempts == 1)).await;
    assert_eq!(callback.bodies()[0]["data"]["claims"], claims());
    assert_eq!(endpoint.bodies()[0]["data"]["claims"], claims());
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    app.advance(TimeDelta::seconds(10));
    until_settled(&app).await;
    let retried = callback.bodies().into_iter().filter(|body| body["status"] == "APPROVED").nth(1).unwrap();
    assert_eq!(
        (&retried["data"]["claims"], &retried["data"]["grantedScope"]),
        (&Value::Null, &json!(["name"]))
    );
    let retried = &endpoint.bodies()[1];
    assert_eq!((&retried["type"], &retried["data"]["claims"]), (&json!("consent.approved"), &Value::Null));
    assert_eq!(retried["data"]["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_data_reads_so_and_a_callback_erased_with_it_is_not_called() {
    let app = TestApp::start().await;
    let callback = Subscriber::answering(&[500]).await;
    let endpoint = Subscriber::answering(&[500, 200]).await;
    register(&app.api, &endpoint.url(), &["consent.approved"]).await;
    let id = create(&app, &callback).await;
    approve(&app, &id, &claims()).await;
    until(&app, |all| all.len() == 2 && all.iter().all(|delivery| delivery.attempts == 1)).await;
    let (database, clock) = (app.database_url(), app.clock().clone());
    app.stop().await;
    // A server that has not seen the key yet.
    let app = TestApp::start_on(database, clock, |_| {}).await;
    let user = session(&app, &id).await.request.user_id.to_string();
    sqlx::query("delete from vault_keys where subject = $1").bind(&user).execute(app.pool()).await.unwrap();
    app.advance(TimeDelta::seconds(10));
    let settled = until_settled(&app).await;
    let to_callback = settled.iter().find(|delivery| delivery.target == "callback").unwrap();
    assert_eq!((to_callback.status.as_str(), to_callback.error.as_deref()), ("cancelled", Some("key_gone")));
    let data = endpoint.bodies()[1]["data"].clone();
    for field in ["recipient", "claims", "metadata", "callbackUrl"] {
        assert_eq!(data[field], "[erased]", "{field}");
    }
}
