//! What happens to a client counts at each instance at once.

use serde_json::json;

use super::writes::three;
use crate::support::{Api, TestApp};

/// Lives of a client that are lived through, each instance being told in turn.
const ROUNDS: usize = 3;

/// A client and its path, both made here.
async fn make(app: &TestApp) -> (String, Api) {
    let made = app.api.post("/v1/clients", &json!({ "name": "Example", "permissions": [] })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let key = made.data()["apiKey"].as_str().unwrap().to_owned();
    (format!("/v1/clients/{}", made.id()), Api::new(app.api.url(""), key))
}

/// Each instance is asked, without a pause.
async fn assert_each_says(instances: [&TestApp; 3], client: &Api, status: u16) {
    for instance in instances {
        let reply = client.at(&instance.api).get("/v1/health").await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_suspended_or_deleted_is_shut_out_of_each_at_once() {
    let servers = three().await;
    let all = [&servers.one, &servers.two, &servers.last];
    for round in 0..ROUNDS {
        let told = all[round % 3];
        let (path, client) = make(told).await;
        assert_each_says(all, &client, 200).await;
        for (status, code) in [("suspended", 401), ("active", 200)] {
            let reply = told.api.patch(&path, &json!({ "status": status })).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert_each_says(all, &client, code).await;
        }
        assert_eq!(told.api.delete(&path).await.status, 200);
        assert_each_says(all, &client, 401).await;
        for instance in all {
            assert_eq!(instance.api.get(&path).await.status, 404);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_regenerated_key_takes_the_place_of_the_old_one_at_each_at_once() {
    let servers = three().await;
    let all = [&servers.one, &servers.two, &servers.last];
    for told in all {
        let (path, mut client) = make(told).await;
        for _ in 0..ROUNDS {
            assert_each_says(all, &client, 200).await;
            let reply = client.at(&told.api).post(&format!("{path}/regenerate-key"), &json!({})).await;
            let newest = Api::new(told.url(""), reply.data()["apiKey"].as_str().unwrap().to_owned());
            assert_each_says(all, &client, 401).await;
            assert_each_says(all, &newest, 200).await;
            client = newest;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_and_a_plan_are_each_instances_at_once() {
    let servers = three().await;
    let all = [&servers.one, &servers.two, &servers.last];
    for told in all {
        let (path, client) = make(told).await;
        for (permissions, status, plan, limit) in
            [(json!(["consents:read"]), 200, "growth", "1000"), (json!([]), 403, "basic", "300")]
        {
            let change = json!({ "permissions": permissions, "plan": plan });
            assert_eq!(told.api.patch(&path, &change).await.status, 200);
            for instance in all {
                let reply = client.at(&instance.api).get("/v1/service/consents").await;
                assert_eq!((reply.status, reply.header("x-ratelimit-limit")), (status, limit));
            }
        }
    }
}
