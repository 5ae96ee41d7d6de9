//! Whatever is written against cqrs-es runs on our log; stock postgres-es reads it and cannot write it.

use std::collections::HashMap;

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventStore as _};
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Consent, ConsentCommand, ConsentError, Status};
use mobid_domain::id::ClientId;
use mobid_domain::stamped::Stamped;
use mobid_projections::stream::reader;
use postgres_es::PostgresEventRepository;
use serde_json::json;

use crate::support::{TestApp, approve};

type Stock = PersistedEventStore<PostgresEventRepository, Consent>;

async fn stock(app: &TestApp) -> Stock {
    let pool = postgres_es::default_postgress_pool(&app.database_url()).await;
    PersistedEventStore::new_event_store(PostgresEventRepository::new(pool))
}

async fn consent_with_a_story(app: &TestApp) -> String {
    let id = app.create_consent_with(json!({ "metadata": { "a": "b" }, "locale": "de" })).await;
    app.api.patch(&format!("/v1/service/consents/{id}"), &json!({ "purpose": "login" })).await;
    approve(&app.app, &id).await.unwrap();
    id
}

async fn by_owner(app: &TestApp, command: ConsentCommand) -> Stamped<ConsentCommand> {
    let by = Actor::Client(app.app.keys.authenticate(&app.api.key).await.unwrap().id);
    Stamped { at: app.clock().now(), by, command }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_postgres_es_folds_our_log_to_the_same_state() {
    let app = TestApp::start().await;
    let id = consent_with_a_story(&app).await;
    let ours = app.app.store.load::<Consent>(&id).await.unwrap();
    let stock = stock(&app).await;
    let mut theirs = stock.load_aggregate(&id).await.unwrap();
    assert_eq!(theirs.aggregate(), &ours.state);
    assert_eq!(ours.state.session().unwrap().status_at(app.clock().now()), Status::Approved);
    let events = stock.load_events(&id).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events[0].metadata["actorKind"], "client");
    assert_eq!(events[2].metadata["actorKind"], "recipient");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_postgres_es_cannot_write_to_our_log() {
    let app = TestApp::start().await;
    let id = consent_with_a_story(&app).await;
    let head = reader::head(app.pool()).await.unwrap();
    let revoke = by_owner(&app, ConsentCommand::Revoke).await;

    let framework = CqrsFramework::<Consent, _>::new(stock(&app).await, vec![], ());
    for result in [
        framework.execute(&id, revoke.clone()).await,
        framework.execute_with_metadata(&id, revoke.clone(), HashMap::new()).await,
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, AggregateError::UnexpectedError(_)), "{error:?}");
        assert!(error.to_string().contains("null value in column \"position\""), "{error}");
    }

    let store = stock(&app).await;
    let context = store.load_aggregate(&id).await.unwrap();
    let events = mobid_domain::event::Decider::decide(
        &app.app.store.load::<Consent>(&id).await.unwrap().state,
        &revoke,
    );
    let error = store.commit(events.unwrap(), context, HashMap::new()).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("position"), "{error}");
    assert_eq!(reader::head(app.pool()).await.unwrap(), head, "nothing is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_store_works_under_cqrs_es() {
    let app = TestApp::start().await;
    let id = consent_with_a_story(&app).await;
    let framework = CqrsFramework::<Consent, _>::new(app.app.store.clone(), vec![], ());
    let revoke = by_owner(&app, ConsentCommand::Revoke).await;
    let metadata =
        HashMap::from([("commandId".to_owned(), "cmd_x".to_owned()), ("z".to_owned(), "1".to_owned())]);
    framework.execute_with_metadata(&id, revoke.clone(), metadata).await.unwrap();

    let reply = app.api.get(&format!("/v1/service/consents/{id}")).await;
    assert_eq!((&reply.data()["status"], reply.header("etag")), (&json!("revoked"), "\"4\""));
    let events = reader::of_aggregate(app.pool(), "consent", &id, 3).await.unwrap();
    assert_eq!(events[0].metadata, r#"{"commandId":"cmd_x","z":"1"}"#);

    let again = framework.execute(&id, revoke).await.unwrap_err();
    assert!(
        matches!(again, AggregateError::UserError(ConsentError::AlreadyClosed(Status::Revoked))),
        "{again:?}"
    );
    let stranger = Stamped {
        by: Actor::Client(ClientId(mobid::ids::new_id())),
        ..by_owner(&app, ConsentCommand::Revoke).await
    };
    assert!(framework.execute(&id, stranger).await.is_err());
    assert_eq!(app.app.store.load::<Consent>(&id).await.unwrap().sequence, 4);
}

/// What came through cqrs-es carries its tenant, as every event does.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_by_way_of_cqrs_es_belongs_to_the_tenant_of_its_aggregate() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let framework = CqrsFramework::<Consent, _>::new(app.app.store.clone(), vec![], ());
    framework.execute(&id, by_owner(&app, ConsentCommand::Revoke).await).await.unwrap();
    let events = reader::of_aggregate(app.pool(), "consent", &id, 0).await.unwrap();
    assert_eq!(events[1].tenant, events[0].tenant);
    assert!(events[1].metadata.contains("\"commandId\":\"cmd_"), "{}", events[1].metadata);
}
