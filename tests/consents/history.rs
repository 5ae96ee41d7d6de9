//! `GET /v1/service/consents/{id}/history`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{path_of, time};
use crate::support::{TestApp, approve};

async fn history(app: &TestApp, id: &str, query: &str) -> Vec<Value> {
    let reply = app.api.get(&format!("{}/history{query}", path_of(id))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.data()["nextCursor"], Value::Null);
    reply.data()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_says_what_changed_and_who_did_it() {
    let app = TestApp::start().await;
    let created = app.api.post(super::CONSENTS, &crate::support::reference_body()).await;
    let id = created.id();
    app.advance(TimeDelta::seconds(1));
    let update = json!({ "purpose": "login", "callbackUrl": null, "metadata": { "a": "b" } });
    let updated = app.api.patch(&path_of(&id), &update).await;
    app.advance(TimeDelta::seconds(1));
    approve(&app.app, &id).await.unwrap();
    let items = history(&app, &id, "").await;
    let types: Vec<_> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["consent.created", "consent.updated", "consent.approved"]);
    assert_eq!(items.iter().map(|item| item["sequence"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);

    let by = &items[0]["actor"];
    assert_eq!(by["kind"], "client");
    assert!(
        by["id"].as_str().unwrap().starts_with("cl_") && by["keyId"].as_str().unwrap().starts_with("key_")
    );
    assert_eq!(items[0]["requestId"], created.header("x-request-id"));
    assert_eq!(items[1]["requestId"], updated.header("x-request-id"));
    assert_eq!(items[0]["changes"]["recipient"], json!({ "from": null, "to": "+1234567890" }));
    assert_eq!(items[0]["changes"]["status"], json!({ "from": null, "to": "pending" }));
    assert_eq!(
        items[1]["changes"],
        json!({
            "purpose": { "from": "identity_verification", "to": "login" },
            "callbackUrl": { "from": "https://yourapp.com/callback", "to": null },
            "metadata": { "from": {}, "to": { "a": "b" } },
            "updatedAt": { "from": created.data()["updatedAt"], "to": updated.data()["updatedAt"] },
        })
    );
    assert_eq!(items[2]["actor"]["kind"], "recipient");
    assert_eq!(items[2]["actor"]["id"], created.data()["userId"]);
    assert_eq!(items[2]["changes"]["status"], json!({ "from": "pending", "to": "approved" }));
    assert_eq!(items[2]["at"], time(app.clock().now()));
    for item in &items {
        assert!(item["id"].as_str().unwrap().starts_with("evt_"));
        assert!(item["position"].is_i64() && item["recordedAt"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_can_be_read_as_it_was() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.delete(&path_of(&id)).await;
    let all = history(&app, &id, "").await;
    let first = all[0]["position"].as_i64().unwrap();
    assert_eq!(history(&app, &id, &format!("?asOf={first}")).await, all[..1]);
    let before = format!("{}/history?asOf={}", path_of(&id), first - 1);
    assert_eq!(app.api.get(&before).await.status, 404);
    for query in ["?limit=1", "?asOf=x", "?x"] {
        assert_eq!(app.api.get(&format!("{}/history{query}", path_of(&id))).await.status, 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_is_in_history_at_its_deadline() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    let deadline = app.api.get(&path_of(&id)).await.data()["expiresAt"].clone();
    app.advance(TimeDelta::hours(5));
    app.caught_up().await;
    mobid::workers::expiry::sweep(&app.app).await.unwrap();
    let items = history(&app, &id, "").await;
    assert_eq!(items[1]["type"], "consent.expired");
    assert_eq!(items[1]["at"], deadline);
    assert_eq!(items[1]["actor"], json!({ "kind": "system", "id": "expiry", "keyId": null }));
    assert_eq!(items[1]["changes"]["status"], json!({ "from": "pending", "to": "expired" }));
}
