//! `GET /v1/service/consents`: newest first, page by page.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{CONSENTS, path_of};
use crate::support::{Api, TestApp, approve, decide, passkey};
use mobid_domain::consent::ConsentCommand;

async fn ids(api: &Api, query: &str) -> Vec<String> {
    let reply = api.get(&format!("{CONSENTS}{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text);
    let items = reply.data()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn query_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_begins_with_the_newest_and_shows_what_a_read_shows() {
    let app = TestApp::start().await;
    let mut newest_first = vec![];
    for _ in 0..3 {
        newest_first.insert(0, app.create_consent().await);
        app.advance(TimeDelta::seconds(1));
    }
    let reply = app.api.get(CONSENTS).await;
    assert_eq!(reply.body["message"], "Consent sessions");
    assert_eq!(reply.data()["nextCursor"], Value::Null);
    let items = reply.data()["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| item["id"].as_str().unwrap()).collect::<Vec<_>>(), newest_first);
    for item in items {
        let mut read = app.api.get(&path_of(item["id"].as_str().unwrap())).await.data().clone();
        assert!(read.as_object_mut().unwrap().remove("watchToken").is_some());
        assert_eq!(*item, read);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_in_the_list_at_once() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        let id = app.create_consent().await;
        assert!(ids(&app.api, "?limit=1").await.contains(&id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_nothing_of_other_clients() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let other = app.other_client().await;
    assert_eq!(ids(&other, "").await, Vec::<String>::new());
    assert_eq!(ids(&other, "?recipient=%2B1234567890").await, Vec::<String>::new());
}

/// Also where many were created in the same instant, and while more are being created.
#[tokio::test(flavor = "multi_thread")]
async fn paging_through_shows_each_consent_once() {
    let app = TestApp::start().await;
    let mut created = BTreeSet::new();
    for n in 0..23 {
        created.insert(app.create_consent().await);
        if n % 5 == 0 {
            app.advance(TimeDelta::milliseconds(1));
        }
    }
    for limit in [1, 7, 23, 100] {
        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let reply = app.api.get(&format!("{CONSENTS}?limit={limit}{cursor}")).await;
            let items = reply.data()["items"].as_array().unwrap().clone();
            assert!(items.len() <= limit, "{}", reply.text);
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match reply.data()["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            app.advance(TimeDelta::milliseconds(1));
            app.create_consent().await;
        }
        let known: Vec<_> = seen.iter().filter(|id| created.contains(*id)).collect();
        assert_eq!(known.len(), created.len(), "limit {limit}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "limit {limit}");
        created.extend(ids(&app.api, "?limit=100").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_holds_twenty_if_not_told_otherwise() {
    let app = TestApp::start().await;
    for _ in 0..21 {
        app.create_consent().await;
    }
    let reply = app.api.get(CONSENTS).await;
    assert_eq!(reply.data()["items"].as_array().unwrap().len(), 20);
    assert!(reply.data()["nextCursor"].is_string());
    assert_eq!(ids(&app.api, "?limit=21").await.len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_narrowed_to_a_status() {
    let app = TestApp::start().await;
    let expired = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    let [pending, approved, rejected, revoked] = [
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent().await,
    ];
    approve(&app.app, &approved).await.unwrap();
    let reject = ConsentCommand::Reject { assurance: passkey(app.clock().now()) };
    decide(&app.app, &rejected, reject).await.unwrap();
    app.api.delete(&path_of(&revoked)).await;
    app.advance(TimeDelta::minutes(1));
    for (status, id) in [
        ("pending", pending),
        ("approved", approved),
        ("rejected", rejected),
        ("revoked", revoked),
        ("expired", expired),
    ] {
        assert_eq!(ids(&app.api, &format!("?status={status}")).await, [id], "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_narrowed_to_a_purpose_a_recipient_or_a_time() {
    let app = TestApp::start().await;
    let start = app.clock().now();
    let first = app.create_consent_with(json!({ "purpose": "login" })).await;
    app.advance(TimeDelta::seconds(10));
    let second = app.create_consent_with(json!({ "recipient": "ann+x@example.com" })).await;
    app.advance(TimeDelta::seconds(10));
    let third =
        app.create_consent_with(json!({ "recipient": "ANN+x@example.com", "purpose": "login" })).await;
    let at = |seconds| query_time(start + TimeDelta::seconds(seconds));
    let (first, second, third) = (first.as_str(), second.as_str(), third.as_str());
    for (query, expected) in [
        ("?purpose=login".to_owned(), vec![third, first]),
        ("?purpose=payment".to_owned(), vec![]),
        ("?recipient=%2B1234567890".to_owned(), vec![first]),
        ("?recipient=ann%2Bx%40example.com".to_owned(), vec![third, second]),
        ("?recipient=nobody%40example.com".to_owned(), vec![]),
        (format!("?createdAfter={}", at(0)), vec![third, second]),
        (format!("?createdBefore={}", at(20)), vec![second, first]),
        (format!("?createdAfter={}&createdBefore={}", at(0), at(20)), vec![second]),
        (format!("?createdAfter={}", at(20)), vec![]),
        ("?purpose=login&recipient=ann%2Bx%40example.com&status=pending".to_owned(), vec![third]),
        ("?purpose=login&recipient=ann%2Bx%40example.com&status=approved".to_owned(), vec![]),
    ] {
        assert_eq!(ids(&app.api, &query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_hold_on_every_page() {
    let app = TestApp::start().await;
    for n in 0..9 {
        let purpose = if n % 2 == 0 { "login" } else { "payment" };
        app.create_consent_with(json!({ "purpose": purpose })).await;
    }
    let first = app.api.get(&format!("{CONSENTS}?purpose=login&limit=3")).await;
    let next = first.data()["nextCursor"].as_str().unwrap();
    let second = app.api.get(&format!("{CONSENTS}?purpose=login&limit=3&cursor={next}")).await;
    let items = second.data()["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item["purpose"] == "login"));
    assert_eq!(second.data()["nextCursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_named() {
    let app = TestApp::start().await;
    app.create_consent().await;
    for (query, field, code) in [
        ("limit=0", "limit", "invalid_parameter"),
        ("limit=101", "limit", "invalid_parameter"),
        ("limit=-1", "limit", "invalid_parameter"),
        ("limit=", "limit", "invalid_parameter"),
        ("limit=1.5", "limit", "invalid_parameter"),
        ("limit=x", "limit", "invalid_parameter"),
        ("limit=99999999999999999999", "limit", "invalid_parameter"),
        ("limit=1&limit=1", "limit", "unknown_parameter"),
        ("status=gone", "status", "invalid_parameter"),
        ("status=Pending", "status", "invalid_parameter"),
        ("status=", "status", "invalid_parameter"),
        ("purpose=Not%20a%20slug", "purpose", "invalid_parameter"),
        ("purpose=%00", "purpose", "invalid_parameter"),
        ("recipient=%2B0", "recipient", "invalid_parameter"),
        ("recipient=+1234567890", "recipient", "invalid_parameter"),
        ("createdAfter=yesterday", "createdAfter", "invalid_parameter"),
        ("createdBefore=2025-01-15", "createdBefore", "invalid_parameter"),
        ("createdBefore=2025-02-30T00:00:00Z", "createdBefore", "invalid_parameter"),
        ("cursor=x", "cursor", "invalid_parameter"),
        ("cursor=", "cursor", "invalid_parameter"),
        ("cursor=eyJ0IjoxLCJpIjoiXHUwMDAwIn0", "cursor", "invalid_parameter"),
        // Years -251546 and 223503, which the database does not know.
        ("cursor=eyJ0IjotODAwMDAwMDAwMDAwMDAwMDAwMCwiaSI6ImNzX3gifQ", "cursor", "invalid_parameter"),
        ("cursor=eyJ0Ijo4MDAwMDAwMDAwMDAwMDAwMDAwLCJpIjoiY3NfeCJ9", "cursor", "invalid_parameter"),
        ("asOf=1", "asOf", "unknown_parameter"),
        ("Limit=1", "Limit", "unknown_parameter"),
        ("unknown=1", "unknown", "unknown_parameter"),
        ("%00=%00", "\0", "unknown_parameter"),
    ] {
        let reply = app.api.get(&format!("{CONSENTS}?{query}")).await;
        assert_eq!((reply.status, &reply.body["type"]), (400, &json!("bad_request")), "{query}");
        assert_eq!(reply.errors(), [format!("{field}:{code}")], "{query}");
    }
    let reply = app.api.get(&format!("{CONSENTS}?limit=0&status=x&unknown=1")).await;
    let all = ["status:invalid_parameter", "limit:invalid_parameter", "unknown:unknown_parameter"];
    assert_eq!(reply.errors(), all, "all at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_at_the_ends_of_the_calendar_are_times() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let all = "?createdAfter=0000-01-01T00:00:00Z&createdBefore=9999-12-31T23:59:59.999999999Z";
    assert_eq!(ids(&app.api, all).await, [id.as_str()]);
    assert_eq!(ids(&app.api, "?createdAfter=2000-01-01T00:00:00%2B05:30").await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_says_as_of_which_position_it_is_also_of_somebody_who_is_not_known() {
    let app = TestApp::start().await;
    app.create_consent().await;
    let all = app.api.get(CONSENTS).await;
    let none = app.api.get("/v1/service/consents?recipient=nobody%40example.com").await;
    assert!(!all.header("x-log-position").is_empty());
    assert_eq!(none.header("x-log-position"), all.header("x-log-position"));
}
