//! What is in the document, and where it is to be had.

use std::collections::BTreeSet;
use std::process::Command;

use mobid::http::authentication;
use mobid::http::guard::Access;
use mobid::http::router;
use mobid::openapi;
use mobid_domain::webhook::EventType;
use serde_json::Value;

use super::{described, document, resolved};
use crate::support::{Api, Reply, TestApp};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

#[test]
fn every_route_of_the_table_is_in_the_document_and_no_other() {
    let document = document();
    let declared: BTreeSet<_> =
        router::declared().iter().map(|row| format!("{} /v1{}", row.method, row.path)).collect();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str())) {
            found.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let public: BTreeSet<_> =
        ["GET /health/live", "GET /health/ready", "GET /openapi.json"].map(str::to_owned).into();
    assert_eq!(found, declared.union(&public).cloned().collect());
}

#[test]
fn every_operation_says_who_may_use_it_and_how_it_fails() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (row, operation) in described(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{row:?}");
        let about = operation["description"].as_str().unwrap();
        match row.access {
            Access::With(permission) | Access::Watched(permission) | Access::Owner(permission) => {
                assert!(about.contains(permission.as_str()), "{row:?}: {about}");
            }
            Access::Everybody | Access::OfAClient => assert!(about.contains("key"), "{row:?}: {about}"),
        }
        let answers = operation["responses"].as_object().unwrap();
        for status in ["200", "400", "401", "429", "500"] {
            assert!(answers.contains_key(status), "{row:?}: {status}");
        }
        assert_eq!(answers.contains_key("403"), row.access != Access::Everybody, "{row:?}");
        assert_eq!(answers.contains_key("404"), row.path.contains('{'), "{row:?}");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{row:?}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_link_to_an_operation() {
    let document = document();
    let ids: BTreeSet<_> = described(&document)
        .iter()
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let (mut references, mut links) = (0, 0);
    let mut left = vec![&document];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(object) => {
                if value["$ref"].is_string() {
                    resolved(&document, value);
                    references += 1;
                }
                if let Some(Value::Object(all)) = object.get("links") {
                    for link in all.values() {
                        assert!(ids.contains(link["operationId"].as_str().unwrap()), "{link}");
                        links += 1;
                    }
                }
                left.extend(object.values());
            }
            Value::Array(list) => left.extend(list),
            _ => {}
        }
    }
    assert!(references > 100 && links > 10, "{references} references, {links} links");
}

#[test]
fn the_key_goes_where_the_server_looks_for_it() {
    let scheme = &document()["components"]["securitySchemes"]["ApiKey"];
    assert!(scheme["name"].as_str().unwrap().eq_ignore_ascii_case(authentication::HEADER));
}

#[test]
fn every_event_type_is_a_webhook() {
    let document = document();
    let webhooks = document["webhooks"].as_object().unwrap();
    let known: BTreeSet<_> = EventType::ALL.iter().map(|event_type| event_type.as_str()).collect();
    assert_eq!(webhooks.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_without_a_key_and_sent_again_only_when_it_changed() {
    let app = TestApp::start().await;
    let stranger = Api::new(app.url(""), String::new());
    let first = Reply::of(stranger.http.get(app.url("/openapi.json"))).await;
    assert_eq!((first.status, first.text.as_str()), (200, openapi::text()));
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.body["openapi"], "3.1.0");
    let etag = first.header("etag");
    let ask = |tag: &str| Reply::of(stranger.http.get(app.url("/openapi.json")).header("If-None-Match", tag));
    for known in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let again = ask(&known).await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", etag), "{known}");
    }
    assert_eq!(ask("\"another\"").await.status, 200);
}

#[test]
fn the_command_prints_the_same_and_needs_neither_configuration_nor_database() {
    let program = env!("CARGO_BIN_EXE_mobid");
    let output = Command::new(program).arg("openapi").env("MOBID_LISTEN", "nonsense").output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), openapi::text());
}
