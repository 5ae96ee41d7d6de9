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
    assert!(begun.elapsed() < Duration::from_secs(30), "before somebody kills it: {:?}", begun.elapsed());
    for mut stream in held {
        // Closed, with an answer or without.
        let _ = stream.read_to_end(&mut vec![]).await;
    }
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url("").replace("http://localhost", "127.0.0.1")).await.unwrap()
}

/// Sends a byte now and then until the other side has enough of it; what that said.
async fn dribble(stream: TcpStream, bytes: &'static [u8]) -> String {
    let (mut from, mut to) = stream.into_split();
    let sender = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        for byte in bytes.iter().cycle() {
            pace.tick().await;
            if to.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    });
    let mut answer = vec![];
    // Reset, if it still sent when the other side had closed.
    let _ = from.read_to_end(&mut answer).await;
    sender.abort();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_or_never_ends_its_head_is_closed() {
    let app = TestApp::start_with(|config| config.idle_seconds = 1).await;
    let begun = Instant::now();
    let mut silent = connect(&app).await;
    let mut idle = connect(&app).await;
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut slow = connect(&app).await;
    slow.write_all(b"GET /health/live HTTP/1.1\r\n").await.unwrap();
    let slow = dribble(slow, b"X-Slow: 1\r\n").await;
    assert!(!slow.contains("200 OK"), "{slow}");
    let mut said = String::new();
    silent.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "");
    idle.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK"), "answered, and closed when nothing more came: {said}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let app = TestApp::start_with(|config| config.body_seconds = 1).await;
    for (path, kind, bytes) in [
        ("/v1/service/consents", "application/json", &b" "[..]),
        ("/v1/clients/cl_00000000000000000000000000/regenerate-key", "application/json", b" "),
    ] {
        let mut stream = connect(&app).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {}\r\nContent-Type: {kind}\r\n\
             Content-Length: 1000\r\nConnection: close\r\n\r\n",
            app.api.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = dribble(stream, bytes).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(answer.contains("The body took too long to arrive."), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_the_answers_is_sent_no_more_of_them() {
    let app = TestApp::start_with(|config| config.idle_seconds = 1).await;
    let mut stream = connect(&app).await;
    let asked = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    // Far more than all buffers in between hold: it goes on until the other side gives up.
    for _ in 0..10_000 {
        if stream.write_all(asked.as_bytes()).await.is_err() {
            return;
        }
    }
    panic!("ten million requests were taken from somebody who reads no answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_bound_wait_to_be_taken_in() {
    let app = TestApp::start_with(|config| {
        config.max_connections = 2;
        config.idle_seconds = 3_600;
    })
    .await;
    let ask = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut taken = vec![connect(&app).await, connect(&app).await];
    let mut room = [0; 4_096];
    for stream in &mut taken {
        stream.write_all(ask).await.unwrap();
        assert!(stream.read(&mut room).await.unwrap() > 0);
    }
    let mut third = connect(&app).await;
    third.write_all(ask).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), third.read(&mut room)).await;
    assert!(early.is_err(), "not before another is gone");
    drop(taken.pop());
    assert!(third.read(&mut room).await.unwrap() > 0);
}
