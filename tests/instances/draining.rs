//! A server that is to be left: not ready any more, and still there.

use std::time::Duration;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drains_is_not_ready_and_answers_all_the_same() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let path = format!("/v1/service/consents/{id}");
    let before = app.api.get(&path).await;
    assert_eq!((before.status, before.header("connection")), (200, ""));
    assert_eq!(app.api.get("/health/ready").await.status, 200);
    app.drain().await;
    assert_eq!(app.api.get("/health/ready").await.status, 503);
    assert_eq!(app.api.get("/health/live").await.status, 200);
    for _ in 0..3 {
        let reply = app.api.get(&path).await;
        assert_eq!((reply.status, reply.header("connection")), (200, "close"));
        assert_eq!(reply.data(), before.data());
    }
    app.create_consent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_not_kept_by_a_server_that_drains() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let (api, path) = (app.api.clone(), format!("/v1/service/consents/{id}?wait=30"));
    let mut waiting = tokio::spawn(async move { api.get(&path).await });
    tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    app.drain().await;
    let reply = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!((reply.status, reply.header("connection")), (200, "close"));
    assert_eq!(reply.data()["status"], "pending");
}
