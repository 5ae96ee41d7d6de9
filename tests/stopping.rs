//! A server that is told to stop does, whoever is connected.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_never_ends_their_request_does_not_keep_the_server_from_stopping() {
    let app = TestApp::start().await;
    let mut caller = TcpStream::connect(("127.0.0.1", app.app.config.listen.port())).await.unwrap();
    caller.write_all(b"GET /health/live HTTP/1.1\r\nHost: ").await.unwrap();
    // It is accepted before the stop is told.
    assert_eq!(app.api.get("/health/live").await.status, 200);
    tokio::time::timeout(Duration::from_secs(40), app.stop()).await.expect("it stopped");
}
