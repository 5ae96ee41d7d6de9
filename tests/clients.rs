//! `/v1/clients` as the owner, the clients themselves and nobody else uses it.

mod keys;
mod manage;
mod secrets;
mod usage;

use serde_json::{Value, json};

use crate::support::{Api, Reply, TestApp};

/// A client as the owner makes it, its own API beside it.
async fn make(app: &TestApp, changes: Value) -> (Reply, Api) {
    let mut body = json!({ "name": "Example", "permissions": ["consents:read", "consents:write"] });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let reply = app.api.post("/v1/clients", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let key = reply.data()["apiKey"].as_str().unwrap().to_owned();
    (reply, Api::new(app.api.url(""), key))
}

fn path(made: &Reply) -> String {
    format!("/v1/clients/{}", made.id())
}

async fn status(api: &Api) -> u16 {
    api.get("/v1/health").await.status
}
