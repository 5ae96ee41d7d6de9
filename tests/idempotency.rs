//! `Idempotency-Key`: a POST that is sent again gets the first answer again.

mod regenerated;
mod routes;
mod secrets;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use mobid_domain::client::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, TestApp, is_legible, reference_body};

const SEARCH: &str = "/v1/service/consents/search";
const CONSENTS: &str = "/v1/service/consents";

#[track_caller]
fn assert_replayed(first: &Reply, again: &Reply) {
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    for name in ["etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_gets_the_same_answer_and_makes_nothing_new() {
    let app = TestApp::start().await;
    let first = app.api.post_once(SEARCH, "k1", &reference_body()).await;
    assert_eq!(first.status, 200);
    // Whatever became of the consent since: it is the first answer.
    app.api.delete(&format!("{CONSENTS}/{}", first.id())).await;
    app.advance(TimeDelta::hours(1));
    for _ in 0..3 {
        let again = app.api.post_once(SEARCH, "k1", &reference_body()).await;
        assert_replayed(&first, &again);
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    assert_eq!(app.count("consent.created").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_each_request_is_its_own() {
    let app = TestApp::start().await;
    let ids = [app.create_consent().await, app.create_consent().await];
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_the_same_key_is_a_conflict() {
    let app = TestApp::start().await;
    let first = app.api.post_once(SEARCH, "k1", &reference_body()).await;
    let mut other = reference_body();
    other["purpose"] = json!("login");
    // The same JSON in other bytes is another body, too.
    let spaced = format!(" {}", reference_body());
    for body in [other.to_string(), spaced, "{".to_owned(), String::new()] {
        let request = app.api.request(Method::POST, SEARCH).header("Idempotency-Key", "k1");
        let reply = Reply::of(request.header("Content-Type", "application/json").body(body)).await;
        assert_eq!((reply.status, &reply.body["type"]), (409, &json!("conflict")), "{}", reply.text);
    }
    assert_replayed(&first, &app.api.post_once(SEARCH, "k1", &reference_body()).await);
    assert_eq!(app.count("consent.created").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_of_one_client_and_one_path() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut ids = vec![];
    for (api, path, key) in [
        (&app.api, SEARCH, "k1"),
        (&app.api, CONSENTS, "k1"),
        (&other, SEARCH, "k1"),
        (&app.api, SEARCH, "K1"),
        (&app.api, SEARCH, "k1 "),
    ] {
        let reply = api.post_once(path, key, &reference_body()).await;
        assert_eq!(reply.status, 200);
        ids.push(reply.id());
    }
    ids.sort();
    ids.dedup();
    // White space around a header's value is no part of it, so the last one is the first one again.
    assert_eq!(ids.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_the_request_deserved_is_replayed() {
    let app = TestApp::start().await;
    let bad_request = json!({ "purpose": "login" });
    let invalid = json!({ "recipient": "x", "purpose": "login" });
    for (key, body, status) in [("k1", bad_request, 400), ("k2", invalid, 422)] {
        let first = app.api.post_once(SEARCH, key, &body).await;
        assert_eq!(first.status, status);
        assert_replayed(&first, &app.api.post_once(SEARCH, key, &body).await);
        let corrected = app.api.post_once(SEARCH, key, &reference_body()).await;
        assert_eq!(corrected.status, 409, "a corrected request needs a key of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_nothing_of_the_request_is_not_replayed() {
    let app = TestApp::start().await;
    let reader = app.client_with(&[Permission::ConsentsRead]).await;
    let stranger = Api::new(app.url(""), "qk_x".to_owned());
    for (api, status) in [(&reader, 403), (&stranger, 401)] {
        for _ in 0..2 {
            let reply = api.post_once(SEARCH, "k1", &reference_body()).await;
            assert_eq!((reply.status, reply.header("idempotency-replayed")), (status, ""));
        }
    }
    let too_large = Value::String(" ".repeat(300 << 10));
    for _ in 0..2 {
        assert_eq!(app.api.post_once(SEARCH, "k1", &too_large).await.header("idempotency-replayed"), "");
    }
    assert_eq!(app.api.post_once(SEARCH, "k1", &reference_body()).await.status, 200);
    let records: i64 =
        sqlx::query_scalar("select count(*) from idempotency_records").fetch_one(app.pool()).await.unwrap();
    assert_eq!(records, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_good_for_24_hours() {
    let app = TestApp::start().await;
    let first = app.api.post_once(SEARCH, "k1", &reference_body()).await;
    let bad = app.api.post_once(SEARCH, "k2", &json!({})).await;
    app.advance(TimeDelta::hours(24) - TimeDelta::microseconds(1));
    assert_replayed(&first, &app.api.post_once(SEARCH, "k1", &reference_body()).await);
    assert_replayed(&bad, &app.api.post_once(SEARCH, "k2", &json!({})).await);
    app.advance(TimeDelta::microseconds(1));
    let later = app.api.post_once(SEARCH, "k1", &reference_body()).await;
    assert_eq!((later.status, later.header("idempotency-replayed")), (200, ""));
    assert_ne!(later.id(), first.id());
    assert_replayed(&later, &app.api.post_once(SEARCH, "k1", &reference_body()).await);
    // Also with another body, and where the first answer was an error.
    assert_eq!(app.api.post_once(SEARCH, "k2", &reference_body()).await.status, 200);
    assert_eq!(app.count("consent.created").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn housekeeping_removes_records_past_their_end_and_no_others() {
    let app = TestApp::start().await;
    app.api.post_once(SEARCH, "k1", &reference_body()).await;
    app.advance(TimeDelta::hours(23));
    let kept = app.api.post_once(SEARCH, "k2", &reference_body()).await;
    app.advance(TimeDelta::hours(1));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    let records: i64 =
        sqlx::query_scalar("select count(*) from idempotency_records").fetch_one(app.pool()).await.unwrap();
    assert_eq!(records, 1);
    assert_replayed(&kept, &app.api.post_once(SEARCH, "k2", &reference_body()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_nothing() {
    let app = TestApp::start().await;
    let first = app.api.post_once(SEARCH, "k1", &reference_body()).await;
    let bad = app.api.post_once(SEARCH, "k2", &json!({})).await;
    let (database, clock, key) = (app.database_url(), app.clock().clone(), app.api.key.clone());
    app.stop().await;
    let app = TestApp::start_on(database, clock, |_| {}).await;
    let api = Api::new(app.url(""), key);
    assert_replayed(&first, &api.post_once(SEARCH, "k1", &reference_body()).await);
    assert_replayed(&bad, &api.post_once(SEARCH, "k2", &json!({})).await);
    assert_eq!(app.count("consent.created").await, 1);
}

/// What each of many parallel twins may be answered: the one answer, or that it is under way.
fn assert_one_answer(replies: &[Reply]) {
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for reply in replies {
        match reply.status {
            409 => assert!(reply.text.contains("is being answered"), "{}", reply.text),
            _ => *answers.entry(&reply.text).or_default() += 1,
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_twins_at_two_instances_make_one_consent() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for round in 1..=5 {
        let (key, body) = (format!("k{round}"), reference_body());
        let requests = (0..50).map(|n| {
            let api = if n % 2 == 0 { &app.api } else { &twin.api };
            api.post_once(SEARCH, &key, &body)
        });
        let replies = join_all(requests).await;
        assert!(replies.iter().any(|reply| reply.status == 200));
        assert_one_answer(&replies);
        assert_eq!(app.count("consent.created").await, round);
        let after = twin.api.post_once(SEARCH, &key, &body).await;
        assert_eq!((after.status, after.header("idempotency-replayed")), (200, "true"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_of_a_bad_request_get_one_answer_at_any_instance() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    for round in 0..10 {
        let (key, body) = (format!("k{round}"), json!({ "recipient": "x", "purpose": "x" }));
        let requests = (0..20).map(|n| {
            let api = if n % 2 == 0 { &app.api } else { &twin.api };
            api.post_once(SEARCH, &key, &body)
        });
        assert_one_answer(&join_all(requests).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_unknown_fields_the_answer_names_a_few() {
    let app = TestApp::start().await;
    let many = (0..5_000).map(|n| (format!("field{n}"), json!(n))).collect();
    let bad = Value::Object(many);
    let first = app.api.post_once(SEARCH, "k", &bad).await;
    assert_eq!(first.status, 400);
    let errors = first.errors();
    assert_eq!(errors[..2], ["recipient:required", "purpose:required"]);
    assert_eq!((errors.len(), errors[22].as_str()), (23, "*:unknown_field"));
    assert!(first.text.len() < 4 << 10, "{}", first.text.len());
    let asked = (0..2_000).map(|n| format!("p{n}")).collect::<Vec<_>>().join("&");
    let unknown = app.api.get(&format!("{CONSENTS}?{}", &asked[..8_000])).await;
    assert_eq!((unknown.status, unknown.errors().len()), (400, 21));
    assert_replayed(&first, &app.api.post_once(SEARCH, "k", &bad).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_answer_is_unreadable_in_the_database() {
    let app = TestApp::start().await;
    let body =
        json!({ "recipient": "legible@example.com", "purpose": "login", "metadata": { "a": "in_clear" } });
    let reply = app.api.post_once(SEARCH, "the-key-itself", &body).await;
    let bad = json!({ "recipient": "legible", "purpose": "login", "legible_field": 1 });
    assert_eq!(app.api.post_once(SEARCH, "k2", &bad).await.status, 400);
    let (answer, fingerprint): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("select answer, fingerprint from idempotency_records limit 1")
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert!(answer.len() > 200 && fingerprint.len() == 32);
    assert!(is_legible(app.pool(), &reply.id()).await, "what is not secret is found");
    for secret in ["legible", "in_clear", "the-key-itself", "consent session", "Some fields"] {
        assert!(!is_legible(app.pool(), secret).await, "{secret}");
    }
}
