//! Answers of authenticators that are made to break who reads them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::pages::consent;
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, begin, complete, device_of};
use crate::support::enrollee::{Enrollee, create, create_with};

/// Attestation objects (CBOR): too deep, too long by their own account, without end, and large.
fn objects() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0x81; 30_000],
        [b"\xa1\x68authData".as_slice(), &[0x81; 30_000]].concat(),
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xbb, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x9f; 30_000],
        vec![0xff],
        [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x5a\x7f\xff\xff\xff".as_slice(), &[0; 100]]
            .concat(),
        [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\x25".as_slice(), &[0xff; 37]].concat(),
    ]
}

fn encoded(bytes: &[u8]) -> Value {
    json!(URL_SAFE_NO_PAD.encode(bytes))
}

/// JSON that is deeper than anybody needs.
fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attestation_breaks_the_routes_or_the_pages() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    for object in objects() {
        let begun = app.api.post("/v1/auth/fido/register/begin", &json!({ "userId": "ann" })).await;
        let mut credential = Authenticator::at(&app.url("")).create(&begun.data()["publicKey"]);
        credential["response"]["attestationObject"] = encoded(&object);
        let body = json!({ "sessionId": begun.data()["sessionId"], "credential": credential });
        let reply = app.api.post("/v1/auth/fido/register/complete", &body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        let begun = ann.begin(&id, &[]).await;
        let mut credential = ann.answer(&begun);
        credential["response"]["attestationObject"] = encoded(&object);
        let page = ann.finish(&id, &begun, &credential).await;
        assert!(matches!(page.status, 400 | 413 | 422), "{} {}", page.status, page.html);
    }
    assert_eq!(ann.passkey(&id).await.heading(), "Try your passkey", "and what is good still is");
}

/// Where the software authenticator's object has the length of its data.
const LENGTH: usize = 29;
/// How long its `COSE_Key` is, with which the object ends.
const KEY: usize = 77;

/// The same passkey, its key said with so many bytes more that nobody needs.
fn padded(credential: &Value, by: u16) -> Value {
    let object = &credential["response"]["attestationObject"];
    let mut object = URL_SAFE_NO_PAD.decode(object.as_str().unwrap()).unwrap();
    let key = object.len() - KEY;
    // A map of five becomes one of six.
    assert_eq!(object[key], 0xa5);
    object[key] = 0xa6;
    object.extend([0x18, 0x64, 0x59]);
    object.extend(by.to_be_bytes());
    object.extend(vec![0; usize::from(by)]);
    let length = u16::try_from(object.len() - LENGTH - 2).unwrap();
    object[LENGTH..LENGTH + 2].copy_from_slice(&length.to_be_bytes());
    let mut padded = credential.clone();
    padded["response"]["attestationObject"] = encoded(&object);
    padded
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fills_the_log_with_what_a_passkey_says_of_itself() {
    let app = TestApp::start().await;
    for (longer, by, status) in
        [(0, 0, 200), (991, 500, 200), (992, 0, 422), (0, 2_000, 422), (0, 60_000, 422)]
    {
        let begun = app.api.post("/v1/auth/fido/register/begin", &json!({ "userId": "ann" })).await;
        let mut authenticator = Authenticator::at(&app.url(""));
        authenticator.credential_id.extend(vec![7; longer]);
        let credential = padded(&authenticator.create(&begun.data()["publicKey"]), by);
        let body = json!({ "sessionId": begun.data()["sessionId"], "credential": credential });
        let reply = app.api.post("/v1/auth/fido/register/complete", &body).await;
        assert_eq!(reply.status, status, "{longer} {by}: {}", reply.text);
        let id = create_with(&app.api, json!({ "recipient": format!("ann{longer}.{by}@example.com") })).await;
        let mut ann = Enrollee::new(&app.api);
        ann.authenticator.credential_id.extend(vec![8; longer]);
        ann.prove(&app, &id).await;
        let begun = ann.begin(&id, &[]).await;
        let credential = padded(&ann.answer(&begun), by);
        let page = ann.finish(&id, &begun, &credential).await;
        // One that a form has no room for is refused as such.
        let expected: &[u16] = if status == 200 { &[303] } else { &[413, 422] };
        assert!(expected.contains(&page.status), "{longer} {by}: {}", page.html);
    }
    let longest: i64 = sqlx::query_scalar("select max(octet_length(payload::text))::int8 from events")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(longest < 8 << 10, "an event has {longest} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_anything_that_a_passkey_says_is_not_looked_at() {
    let app = TestApp::start().await;
    let (_, mut device) = device_of(&app.api, "ann").await;
    for field in ["clientDataJSON", "authenticatorData", "signature"] {
        let begun = begin(&app.api, None).await;
        let good = device.get(&begun["publicKey"]);
        let mut large = good.clone();
        large["response"][field] = encoded(&[b' '; (8 << 10) + 1]);
        let reply = complete(&app.api, &begun, &large).await;
        assert_eq!((reply.status, reply.errors().len()), (422, 1), "{field}: {}", reply.text);
        assert_eq!(complete(&app.api, &begun, &good).await.status, 200, "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_assertion_breaks_the_routes_or_the_pages() {
    let app = TestApp::start().await;
    let (_, mut device) = device_of(&app.api, "ann").await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let id = app.create_consent().await;
    let client_data = |text: &str| ("clientDataJSON", encoded(text.as_bytes()));
    for (field, value) in [
        client_data(&deep(10_000)),
        client_data(&format!("{{\"challenge\":{}}}", deep(10_000))),
        client_data(&format!("{{\"type\":\"webauthn.get\",\"type\":\"{}\"}}", "x".repeat(20_000))),
        client_data("\u{feff}{}"),
        client_data("1e999999999"),
        ("authenticatorData", encoded(&vec![0xff; 20_000])),
        ("authenticatorData", encoded(&[])),
        ("signature", encoded(&vec![0x30; 20_000])),
        ("userHandle", encoded(&vec![0; 20_000])),
        ("userHandle", json!({ "a": [] })),
    ] {
        let begun = begin(&app.api, None).await;
        let mut credential = device.get(&begun["publicKey"]);
        credential["response"][field] = value.clone();
        let reply = complete(&app.api, &begun, &credential).await;
        assert_eq!(reply.status, 422, "{field}: {}", reply.text);
        let begun = ann.begin(&id, &[("action", "reject")]).await;
        let mut credential = ann.answer(&begun);
        credential["response"][field] = value;
        let page = ann.finish(&id, &begun, &credential).await;
        assert!(matches!(page.status, 400 | 413 | 422), "{field}: {} {}", page.status, page.html);
    }
    assert_eq!(consent(&app, &id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_credential_at_all_is_refused_and_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Enrollee::new(&app.api);
    let page = ann.browser.open(&id).await;
    let csrf = page.field("csrf");
    for credential in [
        deep(20_000),
        deep(127),
        "{".repeat(20_000),
        "null".to_owned(),
        "\"x\"".to_owned(),
        "x".repeat(70_000),
    ] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("sequence", "1"),
            ("action", "reject"),
            ("session", ""),
            ("credential", &credential),
        ];
        let page = ann.browser.post(&format!("/r/{id}/passkey"), &fields).await;
        assert!(matches!(page.status, 400 | 413), "{} {}", page.status, page.html);
    }
    let body =
        json!({ "sessionId": "cer_x", "credential": serde_json::from_str::<Value>(&deep(100)).unwrap() });
    for path in ["authenticate/complete", "register/complete"] {
        let reply = app.api.post(&format!("/v1/auth/fido/{path}"), &body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        let raw = app.api.request(reqwest::Method::POST, &format!("/v1/auth/fido/{path}"));
        let raw = raw
            .header("content-type", "application/json")
            .body(format!("{{\"credential\":{}}}", deep(100_000)));
        assert_eq!(raw.send().await.unwrap().status(), 400);
    }
    assert_eq!(consent(&app, &id).await["status"], "pending");
}
