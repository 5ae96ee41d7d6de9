//! What one instance was told, each other one knows.

use std::collections::BTreeSet;

use mobid_domain::client::Permission;
use serde_json::json;

use super::balancer::{Balancer, SERVED_BY};
use crate::support::{Api, Reply, TestApp, reference_body};

/// Consents that are taken through their lives.
const ROUNDS: usize = 20;

pub struct Servers {
    pub one: TestApp,
    pub two: TestApp,
    pub last: TestApp,
    balancer: Balancer,
    /// The owner, through the balancer.
    api: Api,
}

pub async fn three() -> Servers {
    let one = TestApp::start().await;
    let (two, last) = (one.twin().await, one.twin().await);
    let urls = [&one, &two, &last].map(|app| app.url(""));
    let balancer = Balancer::before(&urls).await;
    let api = one.api.at(&Api::new(balancer.url.clone(), String::new()));
    Servers { one, two, last, balancer, api }
}

/// Remembers who has answered.
#[derive(Default)]
struct Answered(Vec<String>);

impl Answered {
    fn by(&mut self, reply: &Reply, status: u16) {
        assert_eq!(reply.status, status, "{}", reply.text);
        let who = reply.header(SERVED_BY).to_owned();
        assert_ne!(self.0.last(), Some(&who), "each request goes to another instance");
        self.0.push(who);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_sees_what_the_one_before_did_at_another_instance() {
    let servers = three().await;
    let (api, mut answered) = (&servers.api, Answered::default());
    for n in 0..ROUNDS {
        let created = api.post("/v1/service/consents/search", &reference_body()).await;
        answered.by(&created, 200);
        let path = format!("/v1/service/consents/{}", created.id());
        let got = api.get(&path).await;
        answered.by(&got, 200);
        assert_eq!(got.data(), created.data());
        let listed = api.get("/v1/service/consents?limit=1").await;
        answered.by(&listed, 200);
        assert_eq!(listed.data()["items"][0]["id"], created.id());
        let patched = api.patch(&path, &json!({ "purpose": "login" })).await;
        answered.by(&patched, 200);
        let got = api.get(&path).await;
        answered.by(&got, 200);
        assert_eq!((got.data(), got.header("etag")), (patched.data(), "\"2\""));
        let listed = api.get("/v1/service/consents?purpose=login&limit=100").await;
        answered.by(&listed, 200);
        assert_eq!(listed.data()["items"][0]["id"], created.id());
        let deleted = api.delete(&path).await;
        answered.by(&deleted, 200);
        let period = servers.one.clock().now().format("%Y-%m");
        let summary = api.get(&format!("/v1/service/consents/summary?period={period}")).await;
        answered.by(&summary, 200);
        assert!(summary.text.contains(&format!("\"revoked\":{}", n + 1)), "{}", summary.text);
        let history = api.get(&format!("{path}/history")).await;
        answered.by(&history, 200);
        assert_eq!(history.data()["items"].as_array().unwrap().len(), 3);
        let again = api.delete(&path).await;
        answered.by(&again, 409);
    }
    assert_eq!(answered.0.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(servers.balancer.served().iter().all(|served| *served >= ROUNDS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_there_and_gone_at_each_instance_at_once() {
    let servers = three().await;
    let (api, mut answered) = (&servers.api, Answered::default());
    for _ in 0..ROUNDS {
        let made = api.post("/v1/webhooks", &json!({ "url": "https://example.com/hook" })).await;
        answered.by(&made, 200);
        let listed = api.get("/v1/webhooks").await;
        answered.by(&listed, 200);
        assert_eq!(listed.data()["items"][0]["id"], made.id());
        let path = format!("/v1/webhooks/{}", made.id());
        answered.by(&api.get(&path).await, 200);
        answered.by(&api.delete(&path).await, 200);
        answered.by(&api.get(&path).await, 404);
        let listed = api.get("/v1/webhooks").await;
        answered.by(&listed, 200);
        assert!(!listed.text.contains(&made.id()), "{}", listed.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_to_another_instance_is_answered_once() {
    let servers = three().await;
    let mut answered = Answered::default();
    for n in 0..ROUNDS {
        let (path, key) = ("/v1/service/consents/search", format!("key-{n}"));
        let first = servers.api.post_once(path, &key, &reference_body()).await;
        answered.by(&first, 200);
        for _ in 0..3 {
            let again = servers.api.post_once(path, &key, &reference_body()).await;
            answered.by(&again, 200);
            assert_eq!(
                (again.text, again.headers["idempotency-replayed"].as_bytes()),
                (first.text.clone(), &b"true"[..])
            );
        }
    }
    let created: i64 = sqlx::query_scalar("select count(*) from events where event_type = 'consent.created'")
        .fetch_one(servers.one.pool())
        .await
        .unwrap();
    assert_eq!(created, i64::try_from(ROUNDS).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_clients_key_is_good_at_each_instance_at_once() {
    let servers = three().await;
    for made_at in [&servers.one, &servers.two, &servers.last] {
        for _ in 0..5 {
            let client = made_at.client_with(Permission::ALL).await;
            for used_at in [&servers.last, &servers.one, &servers.two] {
                let reply = client.at(&used_at.api).get("/v1/service/consents").await;
                assert_eq!((reply.status, &reply.data()["items"]), (200, &json!([])), "{}", reply.text);
            }
        }
    }
}
