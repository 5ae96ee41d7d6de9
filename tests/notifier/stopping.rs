//! A server that stops while it sends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use tokio::sync::Notify;

use super::through;
use crate::me::Guest;
use crate::support::RECIPIENT;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_on_its_way_is_waited_for_when_the_server_stops() {
    let (arrived, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = {
        let (arrived, answer) = (arrived.clone(), answer.clone());
        move || async move {
            arrived.notify_one();
            answer.notified().await;
        }
    };
    let routes = Router::new().route("/", post(slow));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let app = through(&format!("http://{address}/")).await;
    app.create_consent().await;
    assert_eq!(Guest::new(&app).ask(RECIPIENT).await.status, 303);
    let soon = Duration::from_secs(30);
    tokio::time::timeout(soon, arrived.notified()).await.expect("it was answered, and is sent now");
    let mut stopping = tokio::spawn(app.stop());
    tokio::time::timeout(Duration::from_millis(500), &mut stopping).await.expect_err("it waits");
    answer.notify_one();
    tokio::time::timeout(soon, stopping).await.unwrap().unwrap();
}
