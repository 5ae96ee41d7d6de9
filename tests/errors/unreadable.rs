//! What is no request that could be routed.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::assert_envelope;
use crate::support::{Reply, TestApp};

/// What is answered to these bytes, the connection having been closed after it.
async fn told(app: &TestApp, bytes: &[u8]) -> Vec<Reply> {
    let address = app.url("").replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.unwrap();
    replies(&String::from_utf8(answer).unwrap())
}

/// Answers one after the other, each with its `Content-Length`.
fn replies(mut text: &str) -> Vec<Reply> {
    let mut found = vec![];
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: reqwest::header::HeaderMap = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        let (body, rest) = rest.split_at(length);
        found.push(Reply {
            status,
            headers,
            body: serde_json::from_str(body).unwrap_or_default(),
            text: body.to_owned(),
        });
        text = rest;
    }
    assert_eq!(text, "");
    found
}

#[track_caller]
fn assert_refused(reply: &Reply, code: u16) {
    assert_envelope(reply, code, "bad_request");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_a_400_in_the_envelope() {
    let app = TestApp::start().await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET /v1/health HTTP/9.9\r\n\r\n",
        b"GET /v1/health\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nbad name: y\r\n\r\n",
        b"POST /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ] {
        let replies = told(&app, bytes).await;
        assert_eq!(replies.len(), 1, "{}", String::from_utf8_lossy(bytes));
        assert_refused(&replies[0], 400);
        assert_eq!(replies[0].header("connection"), "close");
        assert!(replies[0].header("date").ends_with("GMT"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_a_414_or_431_in_the_envelope() {
    let app = TestApp::start().await;
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
    };
    let long = "a".repeat(9 << 10);
    for (bytes, code) in [
        (get(&format!("/v1/{long}"), ""), 414),
        (get(&format!("/v1/health?{long}"), ""), 414),
        (get("/v1/health", &format!("X-Large: {}\r\n", "a".repeat(70 << 10))), 431),
        (get("/v1/health", &"X-Many: 1\r\n".repeat(200)), 431),
        (get(&format!("/{}", "a".repeat(70 << 10)), ""), 431),
    ] {
        let replies = told(&app, bytes.as_bytes()).await;
        assert_eq!(replies.len(), 1);
        assert_refused(&replies[0], code);
    }
    let largest = get("/v1/health", &format!("X-Large: {}\r\n", "a".repeat(31 << 10)));
    assert_eq!(told(&app, largest.as_bytes()).await[0].status, 401);
    let longest = get(&format!("/v1/health?{}", "a".repeat((8 << 10) - 11)), "");
    assert_eq!(told(&app, longest.as_bytes()).await[0].status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_good_request_on_its_connection_is_refused_after_its_answer() {
    let app = TestApp::start().await;
    let both = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n";
    let replies = told(&app, both).await;
    assert_eq!(replies.len(), 2);
    assert_eq!(replies[0].status, 200);
    assert_refused(&replies[1], 400);
}
