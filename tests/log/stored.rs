//! The bytes of an event are stored as they were appended, and say who did it on whose behalf.

use cqrs_es::CqrsFramework;
use mobid::event_store::EventStore;
use mobid_domain::actor::Actor;
use mobid_domain::client::Permission;
use mobid_domain::consent::{Consent, ConsentCommand};
use mobid_domain::event::canonical_text;
use mobid_domain::leaf::leaf;
use mobid_domain::recorded::Recorded;
use mobid_domain::stamped::Stamped;
use mobid_projections::stream::reader;
use mobid_projections::stream::wake::Wake;
use mobid_projections::stream::warm::Warm;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use crate::support::{RawEvent, Reply, TestApp, append_raw, approve};

/// JSON that another storage (jsonb) would not give back: white space, order, repeated keys, long numbers.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_stay_as_they_were_appended_and_so_does_their_leaf() {
    let app = TestApp::start().await;
    let payload = "{ \"z\": 1.10,\n \"a\" : \"\\u00e9 é 🎉\", \"a\": 123456789012345678901234567890 }";
    let metadata = "{\"commandId\":\"cmd_1\",  \"b\":\"2\"}";
    let event = RawEvent {
        tenant: "cl_1",
        aggregate_type: "test",
        aggregate_id: "a",
        expected: 0,
        event_type: "test.happened",
        payload,
        metadata,
    };
    let (_, base) = append_raw(app.pool(), &event).await;
    let row = reader::at(app.pool(), base + 1).await.unwrap().unwrap();
    let appended = Recorded {
        position: base + 1,
        event_id: row.event_id,
        tenant: "cl_1".to_owned(),
        aggregate_type: "test".to_owned(),
        aggregate_id: "a".to_owned(),
        sequence: 1,
        event_type: "test.happened".to_owned(),
        event_version: "1".to_owned(),
        payload: payload.to_owned(),
        metadata: metadata.to_owned(),
        recorded_at: row.recorded_at,
    };
    assert_eq!(row, appended);
    let log_id = reader::log_id(app.pool()).await.unwrap();
    assert_eq!(leaf(log_id, &row), leaf(log_id, &appended));
}

/// Those who follow the log in the process that appends need not read it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_remembers_of_its_appends_is_what_the_log_has() {
    let app = TestApp::start().await;
    let ids = futures::future::join_all((0..20).map(|_| app.create_consent())).await;
    let before = reader::head(app.pool()).await.unwrap();
    let wake = Wake::default();
    let store = EventStore::new(app.pool().clone(), wake.clone());
    let client = app.app.keys.authenticate(&app.api.key).await.unwrap().id;
    let revoke = |id: String| {
        let (store, at) = (store.clone(), app.clock().now());
        async move {
            let by = Actor::Client(client);
            let command = Stamped { at, by, command: ConsentCommand::Revoke };
            CqrsFramework::<Consent, _>::new(store, vec![], ()).execute(&id, command).await.unwrap();
        }
    };
    // One that comes alone, and some that share a statement.
    revoke(ids[0].clone()).await;
    futures::future::join_all(ids[1..].iter().cloned().map(revoke)).await;

    let away = PgPoolOptions::new().connect_lazy_with((*app.pool().connect_options()).clone());
    away.close().await;
    let remembered = wake.recent().after(&Warm::new(away), before, 100).await.unwrap();
    let log = reader::after(app.pool(), before, 100).await.unwrap();
    assert_eq!(log.len(), 20);
    assert!(!remembered.is_empty());
    for (remembered, row) in remembered.iter().zip(&log) {
        assert_eq!(**remembered, *row);
    }
}

/// Sorted keys, no white space: whoever writes the same fact writes the same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_appends_is_canonical() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "metadata": { "z": "1", "a": "2" } })).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "login" })).await;
    approve(&app.app, &id).await.unwrap();
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let rows = reader::after(app.pool(), 0, 100).await.unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows {
        for text in [&row.payload, &row.metadata] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(&canonical_text(&value).unwrap(), text);
        }
        assert_eq!(row.recorded_at.timestamp_subsec_nanos() % 1_000, 0, "whole microseconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_says_which_request_of_whom_with_which_rights() {
    let app = TestApp::start().await;
    let client = app.client_with(&[Permission::ConsentsWrite, Permission::QrWrite]).await;
    let request = client.request(reqwest::Method::POST, "/v1/service/consents");
    let request = request.header("X-Request-Id", "my-own.id_1").json(&crate::support::reference_body());
    let created = Reply::of(request).await;
    approve(&app.app, &created.id()).await.unwrap();
    let events = reader::of_aggregate(app.pool(), "consent", &created.id(), 0).await.unwrap();
    let known = app.app.keys.authenticate(&client.key).await.unwrap();

    let metadata: Value = serde_json::from_str(&events[0].metadata).unwrap();
    let command_id = metadata["commandId"].as_str().unwrap();
    assert!(command_id.starts_with("cmd_"));
    assert_eq!(
        metadata,
        json!({
            "commandId": command_id,
            "requestId": "my-own.id_1",
            "actorKind": "client",
            "actorId": known.id.to_string(),
            "keyId": known.account.key.key_id.to_string(),
            "permissions": "consents:write qr:write",
        })
    );
    assert_eq!(events[0].tenant, known.id.to_string());
    let metadata: Value = serde_json::from_str(&events[1].metadata).unwrap();
    assert_eq!(metadata["actorKind"], "recipient");
    let user_id = app.app.store.load::<mobid_domain::consent::Consent>(&created.id()).await.unwrap().state;
    assert_eq!(metadata["actorId"], user_id.session().unwrap().request.user_id.to_string());
    assert_eq!(metadata.get("keyId"), None, "no API key decides for a recipient");
}
