//! `GET /v1/service/consents/{id}`, now and as it was.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

use super::{CONSENTS, path_of, time};
use crate::support::{Reply, TestApp, approve, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_reads_back_as_it_was_created() {
    let app = TestApp::start().await;
    let created = app.api.post(CONSENTS, &reference_body()).await;
    let read = app.api.get(&path_of(&created.id())).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body["message"], "Consent session");
    assert_eq!(read.data(), created.data());
    assert_eq!(read.header("etag"), "\"1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_consent_shows_what_was_granted_and_on_what_proof() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.advance(TimeDelta::minutes(1));
    approve(&app.app, &id).await.unwrap();
    let reply = app.api.get(&path_of(&id)).await;
    let now = time(app.clock().now());
    let data = reply.data();
    assert_eq!(data["status"], "approved");
    assert_eq!(data["grantedScope"], json!(["name"]));
    assert_eq!(data["claims"], json!({ "name": { "value": "Ann Example", "source": "self_asserted" } }));
    assert_eq!(data["assurance"], json!({ "method": "passkey", "userVerified": true, "boundAt": now }));
    assert_eq!((&data["decidedAt"], &data["updatedAt"]), (&now, &now));
    assert_eq!(reply.header("etag"), "\"2\"");
}

/// What one client may not see is to it as if it had never been, whatever it tries.
#[tokio::test(flavor = "multi_thread")]
async fn anothers_consent_answers_as_one_that_never_was() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let theirs = app.create_consent().await;
    let decided = app.create_consent().await;
    approve(&app.app, &decided).await.unwrap();
    let never = mobid_domain::id::ConsentId(mobid::ids::new_id()).to_string();
    let tries: [(Method, &str, Option<&str>); 12] = [
        (Method::GET, "", None),
        (Method::GET, "?asOf=1000", None),
        (Method::GET, "?asOf=2999-01-01T00:00:00Z", None),
        (Method::GET, "?wait=30", None),
        (Method::GET, "/history", None),
        (Method::GET, "/history?asOf=1000", None),
        (Method::PUT, "", None),
        (Method::PATCH, "", None),
        (Method::PATCH, "", Some("\"7\"")),
        (Method::DELETE, "", None),
        (Method::DELETE, "", Some("\"1\"")),
        (Method::DELETE, "", Some("\"7\"")),
    ];
    for (method, rest, if_match) in tries {
        let ask = async |id: &str| {
            let mut request = other.request(method.clone(), &format!("{}{rest}", path_of(id)));
            if method == Method::PUT || method == Method::PATCH {
                request = request.json(&json!({ "purpose": "login" }));
            }
            if let Some(version) = if_match {
                request = request.header("If-Match", version);
            }
            Reply::of(request).await
        };
        let expected = ask(&never).await;
        assert_eq!((expected.status, expected.body["type"].as_str()), (404, Some("not_found")));
        for id in [&theirs, &decided] {
            let reply = ask(id).await;
            assert_eq!(reply.status, 404, "{method} {rest} {if_match:?}: {}", reply.text);
            assert_eq!(reply.without_request_id(), expected.without_request_id());
            let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(names(&reply), names(&expected));
        }
    }
    assert_eq!(app.api.get(&path_of(&theirs)).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_id_names_nothing() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let never = mobid_domain::id::ConsentId(mobid::ids::new_id()).to_string();
    let expected = app.api.get(&path_of(&never)).await.without_request_id();
    let upper = id.to_uppercase();
    let (long, short) = (format!("{id}0"), &id[..28]);
    for text in ["x", &upper, &long, short, "cs_", "%00", "%FF", "%F0%9F%8E%89", "..%2F", "null", "0"] {
        for path in [path_of(text), format!("{}/history", path_of(text))] {
            let reply = app.api.get(&path).await;
            assert_eq!((reply.status, reply.without_request_id()), (404, expected.clone()), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_reads_as_it_was_at_any_position() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.patch(&path_of(&id), &json!({ "purpose": "login" })).await;
    app.create_consent().await;
    app.api.delete(&path_of(&id)).await;
    let history = app.api.get(&format!("{}/history", path_of(&id))).await;
    let events = history.data()["items"].as_array().unwrap().clone();
    let positions: Vec<i64> = events.iter().map(|event| event["position"].as_i64().unwrap()).collect();
    let (first, second, third) = (positions[0], positions[1], positions[2]);
    for (position, status, purpose, etag) in [
        (first, "pending", "identity_verification", "\"1\""),
        (second, "pending", "login", "\"2\""),
        (second + 1, "pending", "login", "\"2\""),
        (third, "revoked", "login", "\"3\""),
        (i64::MAX, "revoked", "login", "\"3\""),
    ] {
        let reply = app.api.get(&format!("{}?asOf={position}", path_of(&id))).await;
        assert_eq!(reply.data()["status"], status, "as of {position}");
        assert_eq!(reply.data()["purpose"], purpose, "as of {position}");
        assert_eq!(reply.header("etag"), etag, "as of {position}");
    }
    for position in [0, first - 1] {
        assert_eq!(app.api.get(&format!("{}?asOf={position}", path_of(&id))).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_reads_as_it_was_at_any_time() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.patch(&path_of(&id), &json!({ "purpose": "login" })).await;
    let history = app.api.get(&format!("{}/history", path_of(&id))).await;
    let recorded: Vec<DateTime<Utc>> = history.data()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["recordedAt"].as_str().unwrap().parse().unwrap())
        .collect();
    let ask = async |at: DateTime<Utc>| {
        let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        app.api.get(&format!("{}?asOf={at}", path_of(&id))).await
    };
    let microsecond = TimeDelta::microseconds(1);
    assert_eq!(ask(recorded[0] - microsecond).await.status, 404);
    assert_eq!(ask(recorded[0]).await.header("etag"), "\"1\"");
    assert_eq!(ask(recorded[1] - microsecond).await.data()["purpose"], "identity_verification");
    assert_eq!(ask(recorded[1]).await.data()["purpose"], "login");
    assert_eq!(ask(recorded[1] + TimeDelta::days(1)).await.data()["purpose"], "login");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_is_a_position_or_a_time_and_cannot_be_waited_at() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for query in
        ["asOf=-1", "asOf=x", "asOf=", "asOf=99999999999999999999", "asOf=2025-01-15", "asOf=1&asOf=1", "x=1"]
    {
        let reply = app.api.get(&format!("{}?{query}", path_of(&id))).await;
        assert_eq!((reply.status, reply.errors().len()), (400, 1), "{query}: {}", reply.text);
    }
    assert_eq!(app.api.get(&format!("{}?asOf=1&wait=1", path_of(&id))).await.status, 400);
}
