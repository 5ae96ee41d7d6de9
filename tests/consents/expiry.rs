//! From the deadline on every view says expired, whether or not the sweep came.

use chrono::TimeDelta;
use mobid::event_store::ExecuteError;
use mobid_domain::consent::{ConsentCommand, ConsentError, Status};
use serde_json::json;

use super::{CONSENTS, path_of};
use crate::support::{TestApp, approve, decide, passkey};

async fn statuses(app: &TestApp, id: &str) -> Vec<String> {
    let summary = app.api.get(&format!("{CONSENTS}/summary")).await;
    let counts = summary.data()["counts"].as_object().unwrap().clone();
    let counted = counts.iter().find(|(_, count)| **count == 1).unwrap().0.clone();
    let mut statuses = vec![counted];
    for path in [
        path_of(id),
        format!("{}?wait=0", path_of(id)),
        format!("{}?asOf={}", path_of(id), i64::MAX),
        format!("{}?asOf=2999-01-01T00:00:00Z", path_of(id)),
    ] {
        statuses.push(app.api.get(&path).await.data()["status"].as_str().unwrap().to_owned());
    }
    for query in [String::new(), format!("?status={}", statuses[1])] {
        let list = app.api.get(&format!("{CONSENTS}{query}")).await;
        statuses.push(list.data()["items"][0]["status"].as_str().unwrap().to_owned());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_says_expired_from_the_deadline_on() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 10 })).await;
    let deadline = app.api.get(&path_of(&id)).await.data()["expiresAt"].clone();
    let deadline = deadline.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let microsecond = TimeDelta::microseconds(1);
    app.advance(deadline - app.clock().now() - microsecond);
    assert_eq!(statuses(&app, &id).await, vec!["pending"; 7]);
    app.advance(microsecond);
    assert_eq!(statuses(&app, &id).await, vec!["expired"; 7]);
    let reply = app.api.get(&path_of(&id)).await;
    assert_eq!(reply.header("etag"), "\"1\"", "nothing was appended");
    assert_eq!(reply.data()["updatedAt"], reply.data()["expiresAt"]);
    app.caught_up().await;
    assert_eq!(mobid::workers::expiry::sweep(&app.app).await.unwrap(), 1);
    assert_eq!(statuses(&app, &id).await, vec!["expired"; 7]);
    let swept = app.api.get(&path_of(&id)).await;
    assert_eq!(swept.data(), reply.data(), "the sweep changes nothing that is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_not_expired_by_a_deadline_that_came_later() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "expiresIn": 10 })).await;
    let then = app.clock().now() + TimeDelta::minutes(5);
    app.advance(TimeDelta::minutes(11));
    let path = format!("{}?asOf={}", path_of(&id), then.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
    assert_eq!(app.api.get(&path).await.data()["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_after_the_deadline_is_refused_though_no_sweep_came() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    app.advance(TimeDelta::minutes(1));
    let reject = ConsentCommand::Reject { assurance: passkey(app.clock().now()) };
    for late in [approve(&app.app, &id).await, decide(&app.app, &id, reject).await] {
        let refused = late.unwrap_err();
        assert!(
            matches!(refused, ExecuteError::Refused(ConsentError::AlreadyClosed(Status::Expired))),
            "{refused}"
        );
    }
    assert_eq!(app.api.get(&path_of(&id)).await.header("etag"), "\"1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_just_before_the_deadline_counts() {
    let (app, _lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    let session = app.app.store.load::<mobid_domain::consent::Consent>(&id).await.unwrap().state;
    let deadline = session.session().unwrap().request.expires_at;
    app.advance(deadline - app.clock().now() - TimeDelta::microseconds(1));
    approve(&app.app, &id).await.unwrap();
    app.advance(TimeDelta::days(1));
    app.caught_up().await;
    assert_eq!(mobid::workers::expiry::sweep(&app.app).await.unwrap(), 0);
    assert_eq!(app.api.get(&path_of(&id)).await.data()["status"], "approved");
}
