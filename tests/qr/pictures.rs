//! Pictures of codes, read by a decoder that knows nothing of who wrote them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::{generate, path_of};
use crate::support::{Reply, TestApp};

/// What a decoder makes of some pictures.
fn read(folder: &Path, names: &[String]) -> Vec<Value> {
    let python = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let mut decoder = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/read_qr.py"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python cannot be run: run ./test, or set MOBID_TEST_PYTHON");
    decoder.stdin.take().unwrap().write_all(names.join("\n").as_bytes()).unwrap();
    let output = decoder.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn picture(app: &TestApp, path: &str) -> Vec<u8> {
    let response = app.api.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

/// Codes of a short and of a long public URL: the longer what a code says, the finer it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_read_at_every_size_level_and_kind() {
    let long =
        format!("https://{}.consents-and-mandates.example-bank-of-the-far-north.co.uk", "a".repeat(40));
    let folder = tempfile::tempdir().unwrap();
    for public_url in [None, Some(long)] {
        let app = TestApp::start_with(|config| {
            if let Some(url) = &public_url {
                config.public_url = url.parse().unwrap();
                config.notifier = "https://sms.example.com/".to_owned();
            }
        })
        .await;
        let code = generate(&app, &app.create_consent().await).await;
        let (mut names, mut expected) = (vec![], vec![]);
        for format in ["png", "svg"] {
            for level in ["L", "M", "Q", "H"] {
                // Each size at which a module gets another pixel lies somewhere between these.
                for size in (128..=640).step_by(31).chain([128, 129, 255, 512, 1_000, 1_024, 2_047, 2_048]) {
                    let name = format!("{level}-{size}.{format}");
                    let path =
                        format!("{}/image?format={format}&ecc={level}&size={size}", path_of(&code.id()));
                    std::fs::write(folder.path().join(&name), picture(&app, &path).await).unwrap();
                    names.push(name);
                    expected
                        .push(json!({ "text": code.data()["url"], "size": [size, size], "level": level }));
                }
            }
        }
        let found = read(folder.path(), &names);
        let differing =
            names.iter().zip(found.iter().zip(&expected)).filter(|(_, (found, expected))| found != expected);
        let differing: Vec<_> = differing.collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_of_the_kind_that_was_asked_for_and_shown_on_any_page() {
    let app = TestApp::start().await;
    let code = generate(&app, &app.create_consent().await).await;
    let path = format!("{}/image", path_of(&code.id()));
    let ask = |query: &str, accept: &'static str| {
        Reply::of(app.api.request(Method::GET, &format!("{path}{query}")).header("Accept", accept))
    };
    for (query, accept, kind) in [
        ("", "*/*", "image/png"),
        ("", "image/svg+xml", "image/svg+xml"),
        ("?format=svg", "image/png", "image/svg+xml"),
        ("?format=png", "image/svg+xml", "image/png"),
        ("", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/png"),
    ] {
        let picture = ask(query, accept).await;
        assert_eq!((picture.status, picture.header("content-type")), (200, kind), "{query} {accept}");
        assert!(picture.header("cache-control").starts_with("private"));
        assert!(picture.header("content-security-policy").contains("default-src 'none'"));
    }
    let token = code.data()["watchToken"].as_str().unwrap();
    let stranger = crate::support::Api::new(app.url(""), String::new());
    let shown = Reply::of(stranger.http.get(app.url(&format!("{path}?watchToken={token}")))).await;
    assert_eq!((shown.status, shown.header("cross-origin-resource-policy")), (200, "cross-origin"));
    assert_eq!(Reply::of(stranger.http.get(app.url(&path))).await.status, 401);
    for (query, field) in [
        ("?size=127", "size"),
        ("?size=2049", "size"),
        ("?size=x", "size"),
        ("?ecc=l", "ecc"),
        ("?format=gif", "format"),
        ("?color=red", "color"),
    ] {
        let reply = ask(query, "*/*").await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.errors()[0].starts_with(&format!("{field}:")), "{query}: {}", reply.text);
    }
}
