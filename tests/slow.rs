//! Who sends slowly, or never to the end, holds nothing up.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_never_end_do_not_keep_the_server_from_stopping() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let address = app.url("").replace("http://localhost", "127.0.0.1");
    let mut held = vec![];
    for unfinished in [
        String::new(),
        "GET /health/live HTTP/1.1\r\nHost: x\r\n".to_owned(),
        format!(
            "POST /r/{id}/code HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 50\r\n\r\na"
        ),
        "GET /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(unfinished.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // Answered, so the connections that were made before it are taken in.
    assert_eq!(app.api.get("/v1/health").await.status, 200);
    let begun = Instant::now();
    app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(28), "before somebody kills it: {:?}", begun.elapsed());
    for mut stream in held {
        // Closed, with an answer or without.
        let _ = stream.read_to_end(&mut vec![]).await;
    }
}
