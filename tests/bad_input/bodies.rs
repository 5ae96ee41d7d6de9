//! Bodies that are no JSON object, or not quite.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{CONSENTS, SEARCH, assert_envelope, count_of_events, send};
use crate::support::{TestApp, reference_body};

const JSON: Option<&str> = Some("application/json");

/// Each body of each route that takes one.
async fn assert_bad(app: &TestApp, content_type: Option<&str>, body: &[u8]) {
    let path = format!("{CONSENTS}/{}", app.create_consent().await);
    let before = count_of_events(app).await;
    for (method, path) in [
        (Method::POST, SEARCH),
        (Method::POST, CONSENTS),
        (Method::PUT, path.as_str()),
        (Method::PATCH, path.as_str()),
    ] {
        let reply = send(&app.api, method, path, content_type, body.to_vec()).await;
        assert_envelope(&reply, 400, "bad_request");
        assert_eq!(reply.body["data"], json!(null));
    }
    assert_eq!(count_of_events(app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_a_400() {
    let app = TestApp::start().await;
    let good = reference_body().to_string();
    let nested = format!("{{\"metadata\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        "",
        " ",
        "{",
        "}",
        "{\"recipient\"",
        &good[..good.len() - 1],
        &format!("{good}x"),
        &format!("{good}{good}"),
        "{'recipient': 'x'}",
        "{\"recipient\": NaN}",
        "{\"recipient\": 01}",
        "{\"recipient\": \"a\nb\"}",
        "{\"recipient\": \"\\x41\"}",
        "{\"recipient\": \"\\ud800\"}",
        "{\"metadata\": {\"a\": \"\\udc00\\ud800\"}}",
        "{\"expiresIn\": 1e999}",
        "recipient=x",
        "\u{feff}{}",
        &nested,
    ] {
        assert_bad(&app, JSON, body.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_no_object_is_a_400() {
    let app = TestApp::start().await;
    for body in ["[]", "[{}]", "1", "\"text\"", "null", "true"] {
        assert_bad(&app, JSON, body.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_given_twice_is_a_400() {
    let app = TestApp::start().await;
    for body in [
        "{\"purpose\": \"login\", \"purpose\": \"payment\"}",
        "{\"purpose\": \"login\", \"\\u0070urpose\": \"login\"}",
        "{\"metadata\": {\"a\": \"1\", \"a\": \"2\"}}",
        "{\"scope\": [{\"a\": 1, \"a\": 1}]}",
    ] {
        assert_bad(&app, JSON, body.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_utf8_is_a_400() {
    let app = TestApp::start().await;
    for (before, after) in [("{\"recipient\": \"", "\"}"), ("", "{}"), ("{\"", "\": 1}"), ("{}", "")] {
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80"] {
            assert_bad(&app, JSON, &[before.as_bytes(), bytes, after.as_bytes()].concat()).await;
        }
    }
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_bad(&app, JSON, &utf16).await;
    assert_bad(&app, JSON, b"{\"recipient\": \"a\0b\"}").await;
    assert_bad(&app, JSON, b"\0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_in_utf8_is_taken() {
    let app = TestApp::start().await;
    let good = reference_body().to_string();
    for content_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonx"),
        Some("application/json; charset=latin1"),
        Some("application/json; charset=utf-16"),
        Some("application/json, text/plain"),
    ] {
        assert_bad(&app, content_type, good.as_bytes()).await;
    }
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/json ; version=1",
    ] {
        let reply = send(&app.api, Method::POST, SEARCH, Some(content_type), good.clone()).await;
        assert_eq!(reply.status, 200, "{content_type}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_told_so() {
    let app = TestApp::start().await;
    let padded = |size: usize| {
        let good = reference_body().to_string();
        format!("{good}{}", " ".repeat(size - good.len()))
    };
    let largest = send(&app.api, Method::POST, SEARCH, JSON, padded(256 << 10)).await;
    assert_eq!(largest.status, 200, "{}", largest.text);
    for size in [(256 << 10) + 1, 10 << 20] {
        assert_bad(&app, JSON, padded(size).as_bytes()).await;
        let reply = send(&app.api, Method::POST, SEARCH, JSON, padded(size)).await;
        assert_eq!(reply.body["message"], "The body is larger than 256 KiB.");
    }
}

/// Without a length announced, in pieces.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_turns_out_too_large_is_told_so() {
    let app = TestApp::start().await;
    let address = app.url("").replace("http://localhost", "127.0.0.1");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        app.api.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..160 {
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("The body is larger than 256 KiB."), "{answer}");
}

/// A connection that ends within its body did not ask for anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_changes_nothing() {
    let app = TestApp::start().await;
    let before = count_of_events(&app).await;
    let address = app.url("").replace("http://localhost", "127.0.0.1");
    let body = reference_body().to_string();
    let head = format!(
        "POST {SEARCH} HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        app.api.key,
        body.len() + 1
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = vec![];
    // An answer or none: nobody is there to read it.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_before_their_body_is_read_gets_to_read_why() {
    let app = TestApp::start().await;
    let (large, huge) = (" ".repeat(768 << 10), " ".repeat(10 << 20));
    let stranger = crate::support::Api::new(app.url(""), String::new());
    let nobody = app.client_with(&[]).await;
    for _ in 0..3 {
        for (api, method, path, body, code, kind) in [
            (&stranger, Method::POST, SEARCH, &large, 401, "unauthorized"),
            (&nobody, Method::POST, SEARCH, &huge, 403, "forbidden"),
            (&app.api, Method::POST, "/v1/nothing", &huge, 404, "not_found"),
            (&app.api, Method::POST, "/nothing", &large, 404, "not_found"),
            (&app.api, Method::PUT, SEARCH, &huge, 405, "method_not_allowed"),
        ] {
            let reply = send(api, method, path, JSON, body.clone()).await;
            assert_envelope(&reply, code, kind);
        }
    }
}

/// What the sockets hold between here and there is sent in any case, so it goes on until it is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_listened_to_for_long() {
    let app = TestApp::start().await;
    let address = app.url("").replace("http://localhost", "127.0.0.1");
    let announced = 1_usize << 30;
    for path in [SEARCH, "/nothing", "/r/cs_00000000000000000000000000/code"] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {announced}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (piece, mut sent) = (vec![b'a'; 1 << 16], 0);
        while sent < announced && stream.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        assert!(sent < 24 << 20, "{path}: {sent}");
    }
}
