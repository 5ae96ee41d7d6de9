//! An answer that shows a secret once shows the same one to its own retry, and to nobody else.

use futures::future::join_all;
use mobid_domain::client::Permission;
use serde_json::{Value, json};

use super::{assert_one_answer, assert_replayed};
use crate::support::{Api, Reply, TestApp};

/// Every POST that shows a secret: path, body, and where the answer has it.
fn shows(client: &str) -> [(String, Value, &'static [&'static str]); 4] {
    let path = |what: &str| format!("/v1/clients/{client}{what}");
    let made = json!({ "name": "Made", "permissions": [] });
    let hook = json!({ "url": "https://example.com/hook" });
    [
        ("/v1/clients".to_owned(), made, &["apiKey", "callbackSecret"]),
        (path("/regenerate-key"), json!({}), &["apiKey"]),
        (path("/rotate-callback-secret"), json!({}), &["callbackSecret"]),
        ("/v1/webhooks".to_owned(), hook, &["secret"]),
    ]
}

fn secrets(reply: &Reply, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| reply.data()[field].as_str().unwrap().to_owned()).collect()
}

async fn make(app: &TestApp) -> String {
    app.api.post("/v1/clients", &json!({ "name": "x", "permissions": [] })).await.id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_shown_once_is_shown_to_its_own_retry_at_any_instance_and_after_a_restart() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let client = make(&app).await;
    let mut shown = vec![];
    for (path, body, fields) in shows(&client) {
        let first = app.api.post_once(&path, "k", &body).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text);
        assert!(secrets(&first, fields).iter().all(|secret| secret.len() > 40), "{path}: {}", first.text);
        for api in [&app.api, &twin.api] {
            assert_replayed(&first, &api.post_once(&path, "k", &body).await);
        }
        shown.push(first);
    }
    twin.stop().await;
    let (database, clock, key) = (app.database_url(), app.clock().clone(), app.api.key.clone());
    app.stop().await;
    let app = TestApp::start_on(database, clock, |_| {}).await;
    let api = Api::new(app.url(""), key);
    for (first, (path, body, _)) in shown.iter().zip(shows(&client)) {
        assert_replayed(first, &api.post_once(&path, "k", &body).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_with_another_api_key_is_told_of_the_use_and_not_of_the_answer() {
    let app = TestApp::start().await;
    let listed = app.api.get("/v1/clients").await;
    let owner = listed.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let client = make(&app).await;
    let mut shown = vec![];
    for (path, body, fields) in shows(&client) {
        shown.push((secrets(&app.api.post_once(&path, "k", &body).await, fields), path, body));
    }
    let regenerate = format!("/v1/clients/{owner}/regenerate-key");
    let renewed = app.api.post(&regenerate, &json!({ "graceSeconds": 60 })).await;
    let renewed = Api::new(app.url(""), renewed.data()["apiKey"].as_str().unwrap().to_owned());
    let stranger = app_client(&renewed).await;
    for (secrets, path, body) in shown {
        let told = renewed.post_once(&path, "k", &body).await;
        assert_eq!(told.status, 409, "{path}: {}", told.text);
        // Another client's use of the same key is another use, where it may use the route at all.
        let other = stranger.post_once(&path, "k", &body).await;
        for reply in [told, other] {
            assert_eq!(reply.header("idempotency-replayed"), "", "{path}");
            assert!(secrets.iter().all(|secret| !reply.text.contains(secret)), "{path}: {}", reply.text);
        }
    }
}

async fn app_client(owner: &Api) -> Api {
    let body = json!({ "name": "Stranger", "plan": "enterprise", "permissions": Permission::ALL });
    let made = owner.post("/v1/clients", &body).await;
    Api::new(owner.url(""), made.data()["apiKey"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_at_two_instances_are_shown_one_secret() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let client = make(&app).await;
    for (path, body, fields) in shows(&client) {
        let requests = (0..20).map(|n| {
            let api = if n % 2 == 0 { &app.api } else { &twin.api };
            api.post_once(&path, "k", &body)
        });
        let replies = join_all(requests).await;
        assert_one_answer(&replies);
        let after = twin.api.post_once(&path, "k", &body).await;
        let answered = replies.iter().find(|reply| reply.status == 200).unwrap();
        assert_eq!(secrets(&after, fields), secrets(answered, fields), "{path}");
    }
}
