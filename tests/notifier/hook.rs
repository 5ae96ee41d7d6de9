//! Through an HTTP hook.

use axum::Router;
use axum::response::Redirect;
use axum::routing::post;
use serde_json::{Value, json};

use super::{asks_for_a_code, says_that_nothing_went_out, silent, through};
use crate::pages::{Visitor, consent};
use crate::support::RECIPIENT;
use crate::support::receiver::Receiver;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_through_a_hook_with_its_password_and_decides() {
    let gateway = Receiver::start().await;
    let url = gateway.url().replace("http://", "http://gate:k%3Aey@");
    let app = through(&url).await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let mut ann = Visitor::new(&app);
    assert_eq!(ann.ask(&id, "approve", &[]).await.status, 303);
    gateway.has_received(1).await;
    let sent = gateway.received().remove(0);
    // gate:k:ey
    assert_eq!(sent.headers["authorization"], "Basic Z2F0ZTprOmV5");
    let message: Value = serde_json::from_str(&sent.body).unwrap();
    let fields: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["channel", "code", "link", "resourceId", "subject", "text", "to"]);
    assert_eq!(
        (&message["to"], &message["channel"], &message["resourceId"], &message["link"]),
        (&json!(RECIPIENT), &json!("sms"), &json!(id), &Value::Null)
    );
    assert_eq!(ann.enter(&id, message["code"].as_str().unwrap()).await.status, 303);
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_refuses_at_first_gets_a_link_again() {
    let gateway = Receiver::failing_every(2).await;
    let app = through(&gateway.url()).await;
    // The first request is taken, the second is not.
    app.create_consent_with(json!({ "notify": true })).await;
    gateway.has_received(1).await;
    let id = app.create_consent_with(json!({ "notify": true })).await;
    gateway.has_received(2).await;
    let put_off = async {
        let sql = "select count(*) from link_notices where leased_until is null and attempts = 1";
        while sqlx::query_scalar::<_, i64>(sql).fetch_one(app.pool()).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), put_off).await.unwrap();
    app.advance(chrono::TimeDelta::minutes(1));
    gateway.has_received(3).await;
    let again: Value = serde_json::from_str(&gateway.received()[2].body).unwrap();
    assert_eq!(again["resourceId"], json!(id));
    assert!(again["link"].as_str().unwrap().ends_with(&format!("/r/{id}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_does_not_take_it_did_not_take_it() {
    let refusing = Receiver::failing_every(1).await;
    says_that_nothing_went_out(&through(&refusing.url()).await, RECIPIENT).await;
    let gone = format!("http://127.0.0.1:{}/hook", crate::support::free_port());
    says_that_nothing_went_out(&through(&gone).await, RECIPIENT).await;
    let (_listener, port) = silent().await;
    says_that_nothing_went_out(&through(&format!("http://127.0.0.1:{port}/")).await, RECIPIENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_leads_nowhere_else() {
    let elsewhere = Receiver::start().await;
    let target = elsewhere.url();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/", post(async move || Redirect::temporary(&target)));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let app = through(&format!("http://{address}/")).await;
    let (_, status, _) = asks_for_a_code(&app, RECIPIENT).await;
    assert_eq!((status, elsewhere.received().len()), (503, 0));
}
