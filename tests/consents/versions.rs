//! `ETag` and `If-Match`.

use reqwest::Method;
use serde_json::json;

use super::path_of;
use crate::support::{Reply, TestApp, approve};

async fn change(app: &TestApp, method: &Method, id: &str, if_match: &[&str]) -> Reply {
    let mut request = app.api.request(method.clone(), &path_of(id));
    if *method != Method::DELETE {
        request = request.json(&json!({ "purpose": "login" }));
    }
    for value in if_match {
        request = request.header("If-Match", *value);
    }
    Reply::of(request).await
}

const CHANGES: [Method; 3] = [Method::PUT, Method::PATCH, Method::DELETE];

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_was_read_can_be_changed() {
    let app = TestApp::start().await;
    for method in CHANGES {
        for if_match in [vec!["\"1\""], vec!["*"], vec!["\"7\", \"1\""], vec!["\"7\"", "\"1\""]] {
            let id = app.create_consent().await;
            let reply = change(&app, &method, &id, &if_match).await;
            assert_eq!((reply.status, reply.header("etag")), (200, "\"2\""), "{method} {if_match:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_was_read_is_a_conflict() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.patch(&path_of(&id), &json!({ "scope": [] })).await;
    for method in CHANGES {
        for if_match in ["\"1\"", "\"3\"", "W/\"2\"", "\"x\"", "\"\"", "\"02x\""] {
            let reply = change(&app, &method, &id, &[if_match]).await;
            assert_eq!((reply.status, &reply.body["type"]), (409, &json!("conflict")), "{method} {if_match}");
            assert_eq!(reply.data(), &json!({ "etag": "\"2\"" }));
        }
    }
    let now = app.api.get(&path_of(&id)).await;
    assert_eq!((&now.data()["status"], now.header("etag")), (&json!("pending"), "\"2\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_a_conflict_even_where_there_is_nothing_to_change() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.api.patch(&path_of(&id), &json!({ "purpose": "login" })).await;
    assert_eq!(change(&app, &Method::PATCH, &id, &["\"1\""]).await.status, 409);
    assert_eq!(change(&app, &Method::PATCH, &id, &["\"2\""]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_none_is_a_bad_request() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    for method in CHANGES {
        for if_match in ["1", "", "\"1", "\"1\",", "w/\"1\"", "'1'"] {
            let reply = change(&app, &method, &id, &[if_match]).await;
            assert_eq!(
                (reply.status, &reply.body["type"]),
                (400, &json!("bad_request")),
                "{method} {if_match}"
            );
        }
    }
}

/// RFC 9110, section 13.2.1: a condition is looked at only where the request would succeed without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_does_not_hide_why_a_change_is_refused() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    approve(&app.app, &id).await.unwrap();
    let reply = change(&app, &Method::PATCH, &id, &["\"1\""]).await;
    assert_eq!((reply.status, reply.data()), (409, &json!({ "status": "approved" })));
}
