//! Every field of every body, at and beyond its bounds.

use serde_json::{Map, Value, json};

use super::{CONSENTS, SEARCH, assert_envelope, count_of_events, required, text_of, unknown, with};
use crate::support::TestApp;

fn numbered(count: usize) -> Value {
    (0..count).map(|n| format!("field_{n}")).collect()
}

fn pairs(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("key_{n}"), json!("value"))).collect::<Map<_, _>>())
}

fn phone(digits: usize) -> Value {
    json!(format!("+{}", "1".repeat(digits)))
}

/// Of type, length and form that no field takes.
fn never_good() -> Vec<Value> {
    vec![
        json!(true),
        json!(1),
        json!(1.5),
        json!([1]),
        json!({ "a": 1 }),
        json!(""),
        json!("\0"),
        text_of(3_000),
    ]
}

/// What is wrong for one field: what is never good, unless this one takes it, and more.
fn bad_values(field: &str) -> Vec<Value> {
    let taken = match field {
        "expiresIn" => Some(json!(1)),
        "notify" => Some(json!(true)),
        _ => None,
    };
    never_good().into_iter().filter(|value| Some(value) != taken.as_ref()).chain(bad_forms(field)).collect()
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}

fn bad_forms(field: &str) -> Vec<Value> {
    match field {
        "recipient" => [bad_recipients(), vec![json!([]), json!({})]].concat(),
        "purpose" => [bad_slugs(), vec![json!([]), json!({})]].concat(),
        "scope" => bad_scopes(),
        "callbackUrl" => [bad_urls(), vec![json!([]), json!({})]].concat(),
        "returnUrl" => {
            let elsewhere =
                ["https://example.com/", "https://localhost/", "http://localhost/", "http://localhost:1/"];
            [texts(&elsewhere), vec![json!([])]].concat()
        }
        "expiresIn" => {
            let out_of_bounds =
                [json!(0), json!(-1), json!(43_201), json!(i64::MAX), json!(u64::MAX), json!(1e300)];
            [out_of_bounds.to_vec(), vec![json!("60"), json!([])]].concat()
        }
        "requireAssurance" => texts(&["Any", "passkey ", "one_time_code"]),
        "notify" => vec![json!(0), json!("true"), json!([])],
        "locale" => {
            texts(&["e", "en-", "-", "en_US", "1n", "en\0", "de-AT-ninechars", "en-é", "toolongname"])
        }
        "metadata" => bad_metadata(),
        _ => panic!("{field}"),
    }
}

fn bad_recipients() -> Vec<Value> {
    let forms = [
        "+0123456789",
        "1234567890",
        "+12345 67890",
        "+1234567890\0",
        " +1234567890",
        "+１２３４５６７８９０",
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "ann@127.0.0.1",
        "ann@exa mple.com",
        "ann\0@example.com",
        "Ann <ann@example.com>",
    ];
    let long_name = json!(format!("{}@example.com", "a".repeat(65)));
    let long_domain = json!(format!("a@{}.com", "b.".repeat(126)));
    [texts(&forms), vec![phone(6), phone(16), long_name, long_domain]].concat()
}

fn bad_slugs() -> Vec<Value> {
    [texts(&["Login", "log in", "1login", "_login", "log-in", "lögin", "login\0"]), vec![text_of(65)]]
        .concat()
}

fn bad_scopes() -> Vec<Value> {
    vec![
        numbered(33),
        json!(["name", "name"]),
        json!(["name", null]),
        json!(["name", 1]),
        json!(["name", ["email"]]),
        json!(["Name"]),
        json!([""]),
        json!(["name\0"]),
        json!([text_of(65)]),
        json!("name"),
        json!({}),
    ]
}

fn bad_urls() -> Vec<Value> {
    let forms = [
        "http://example.com/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:",
        "//example.com/",
        "/callback",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://exa mple.com/",
        "https://example.com/\0",
        "https://example.com/\n",
        "https://example.com:99999/",
    ];
    [texts(&forms), vec![json!(format!("https://example.com/{}", "a".repeat(2_048)))]].concat()
}

fn bad_metadata() -> Vec<Value> {
    vec![
        pairs(21),
        json!({ "": "x" }),
        json!({ "a".repeat(41): "x" }),
        json!({ "a\0": "x" }),
        json!({ "a": "x\0" }),
        json!({ "a": "é".repeat(501) }),
        json!({ "a": null }),
        json!({ "a": 1 }),
        json!({ "a": true }),
        json!({ "a": ["x"] }),
        json!({ "a": { "b": "x" } }),
        json!([]),
        json!("a"),
    ]
}

fn code(field: &str) -> &'static str {
    match field {
        "recipient" => "recipient:invalid_recipient",
        "purpose" => "purpose:invalid_purpose",
        "scope" => "scope:invalid_scope",
        "callbackUrl" => "callbackUrl:invalid_callback_url",
        "returnUrl" => "returnUrl:invalid_return_url",
        "expiresIn" => "expiresIn:invalid_expires_in",
        "requireAssurance" => "requireAssurance:invalid_require_assurance",
        "notify" => "notify:invalid_notify",
        "locale" => "locale:invalid_locale",
        "metadata" => "metadata:invalid_metadata",
        _ => panic!("{field}"),
    }
}

const OF_CREATE: [&str; 10] = [
    "recipient",
    "purpose",
    "scope",
    "callbackUrl",
    "returnUrl",
    "expiresIn",
    "requireAssurance",
    "notify",
    "locale",
    "metadata",
];
const OF_UPDATE: [&str; 5] = ["purpose", "scope", "callbackUrl", "expiresIn", "metadata"];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_of_a_new_consent_is_a_422_that_names_the_field() {
    let app = TestApp::start().await;
    let before = count_of_events(&app).await;
    for field in OF_CREATE {
        for value in bad_values(field) {
            for path in [CONSENTS, SEARCH] {
                let reply = app.api.post(path, &with(field, value.clone())).await;
                assert_envelope(&reply, 422, "validation_error");
                assert_eq!(reply.errors(), [code(field)], "{field}: {value}");
            }
        }
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_of_a_change_is_a_422_that_names_the_field() {
    let app = TestApp::start().await;
    let path = format!("{CONSENTS}/{}", app.create_consent().await);
    let before = count_of_events(&app).await;
    for field in OF_UPDATE {
        let mut values = bad_values(field);
        if ["purpose", "scope", "expiresIn"].contains(&field) {
            values.push(Value::Null);
        }
        for value in values {
            let body = json!({ field: value });
            for reply in [app.api.put(&path, &body).await, app.api.patch(&path, &body).await] {
                assert_envelope(&reply, 422, "validation_error");
                assert_eq!(reply.errors(), [code(field)], "{body}");
            }
        }
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_at_their_bounds_are_good() {
    let app = TestApp::start().await;
    let url = format!("https://example.com/{}", "a".repeat(2_028));
    assert_eq!(url.len(), 2_048);
    for (field, value) in [
        ("recipient", phone(7)),
        ("recipient", phone(15)),
        ("recipient", json!(format!("{}@example.com", "a".repeat(64)))),
        ("purpose", text_of(1)),
        ("purpose", text_of(64)),
        ("scope", json!([])),
        ("scope", numbered(32)),
        ("callbackUrl", json!(url)),
        ("callbackUrl", json!("http://localhost/")),
        ("callbackUrl", json!("http://[::1]:1/")),
        ("callbackUrl", json!("https://münchen.example/ä")),
        ("expiresIn", json!(1)),
        ("expiresIn", json!(43_200)),
        ("requireAssurance", json!("any")),
        ("notify", json!(false)),
        ("locale", json!("de")),
        ("locale", json!("zh-Hant-TW")),
        ("metadata", json!({})),
        ("metadata", pairs(20)),
        ("metadata", json!({ "é".repeat(40): "🎉".repeat(500) })),
        ("metadata", json!({ "a": "" })),
    ] {
        let reply = app.api.post(SEARCH, &with(field, value.clone())).await;
        assert_eq!(reply.status, 200, "{field}: {value}: {}", reply.text);
        if field != "expiresIn" {
            assert_eq!(reply.data()[field], value);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_there_and_is_not_is_a_400() {
    let app = TestApp::start().await;
    for field in ["recipient", "purpose"] {
        let mut missing = with(field, Value::Null);
        for _ in 0..2 {
            let reply = app.api.post(SEARCH, &missing).await;
            assert_envelope(&reply, 400, "bad_request");
            assert_eq!(reply.errors(), [required(field)]);
            missing.as_object_mut().unwrap().remove(field);
        }
    }
    let reply = app.api.post(SEARCH, &json!({})).await;
    assert_eq!(reply.errors(), [required("recipient"), required("purpose")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_nobody_knows_is_a_400() {
    let app = TestApp::start().await;
    let path = format!("{CONSENTS}/{}", app.create_consent().await);
    for field in ["extra", "Recipient", "", "id", "status", "__proto__", "a\0", "🎉"] {
        for reply in [
            app.api.post(SEARCH, &with(field, json!(1))).await,
            app.api.patch(&path, &json!({ field: 1 })).await,
        ] {
            assert_envelope(&reply, 400, "bad_request");
            assert_eq!(reply.errors(), [unknown(field)]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_listed_at_once() {
    let app = TestApp::start().await;
    let body = json!({ "recipient": "x", "scope": [1], "callbackUrl": "x", "returnUrl": "x", "expiresIn": 0,
        "requireAssurance": "x", "notify": "x", "locale": "x", "metadata": 1, "more": 1, "extra": 1 });
    let reply = app.api.post(SEARCH, &body).await;
    assert_envelope(&reply, 400, "bad_request");
    let mut expected = vec![required("purpose"), unknown("extra"), unknown("more")];
    let invalid =
        OF_CREATE.into_iter().filter(|field| *field != "purpose").map(|field| code(field).to_owned());
    expected.extend(invalid);
    assert_eq!(reply.errors(), expected);
    for error in reply.data()["errors"].as_array().unwrap() {
        assert!(error["message"].as_str().is_some_and(|message| message.ends_with('.')), "{error}");
    }
    let body = json!({ "purpose": 1, "scope": 1, "callbackUrl": 1, "expiresIn": 0, "metadata": 1 });
    let reply = app.api.patch(&format!("{CONSENTS}/{}", app.create_consent().await), &body).await;
    assert_envelope(&reply, 422, "validation_error");
    assert_eq!(reply.errors(), OF_UPDATE.map(code));
}

/// No answer repeats what was sent: it may be personal.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_does_not_repeat_a_value() {
    let app = TestApp::start().await;
    let secret = "+0666666666";
    let reply = app.api.post(SEARCH, &with("recipient", json!(secret))).await;
    assert!(!reply.text.contains(secret), "{}", reply.text);
    let reply = app.api.get(&format!("{CONSENTS}?recipient={secret}")).await;
    assert!(!reply.text.contains("666666"), "{}", reply.text);
}
