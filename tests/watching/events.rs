//! Server-sent events: what is told, when, and when it ends.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::{Page, SOON, Stream, Watched, path_of};
use crate::pages::{ALL, Visitor};
use crate::support::{TestApp, approve};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_how_it_stands_and_then_each_change() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let mut stream = page.follow(&watched.events(), None).await;
    assert_eq!(
        (stream.status, &stream.headers["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    assert_eq!(stream.headers["access-control-allow-origin"], "*");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    let first = stream.event().await.unwrap();
    assert_eq!((first.status.as_str(), first.id.as_str()), ("pending", "1"));
    assert!(first.data["scannedAt"].is_null());
    let mut fields: Vec<_> = first.data.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["decidedAt", "expiresAt", "id", "scannedAt", "status"]);
    let mut ann = Visitor::new(&app);
    ann.ask(&watched.id, "approve", &[&ALL[..], &[("via", "qr")]].concat()).await;
    let scanned = stream.event().await.unwrap();
    assert!(scanned.status == "pending" && scanned.data["scannedAt"].is_string(), "{scanned:?}");
    ann.enter(&watched.id, &crate::pages::last_code(&app)).await;
    let approved = stream.event().await.unwrap();
    assert!(approved.status == "approved" && approved.data["decidedAt"].is_string(), "{approved:?}");
    app.api.delete(&path_of(&watched.id)).await;
    assert_eq!(stream.status().await, "revoked");
    assert_eq!(stream.event().await, None, "there will be no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_told_what_was_missed_and_nothing_twice() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let first = page.follow(&watched.events(), None).await.event().await.unwrap();
    approve(&app.app, &watched.id).await.unwrap();
    app.api.delete(&path_of(&watched.id)).await;
    // At another instance.
    let mut again = Page::new(&twin).follow(&watched.events(), Some(&first.id)).await;
    let (approved, revoked) = (again.event().await.unwrap(), again.event().await.unwrap());
    assert_eq!((approved.status.as_str(), revoked.status.as_str()), ("approved", "revoked"));
    assert_eq!(again.event().await, None);
    let mut last = page.follow(&watched.events(), Some(&approved.id)).await;
    assert_eq!(last.event().await, Some(revoked.clone()));
    // A browser that is told 204 comes no more (HTML, 9.2.3).
    let over = page.follow(&watched.events(), Some(&revoked.id)).await;
    assert_eq!(over.status, 204);
    let nonsense = page.follow(&watched.events(), Some("nonsense")).await.event().await;
    assert_eq!(nonsense, Some(revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_is_told_by_time_alone_and_once() {
    let (app, lease) = TestApp::start_unswept().await;
    let id = app.create_consent_with(json!({ "expiresIn": 1 })).await;
    let token = app.api.get(&path_of(&id)).await.data()["watchToken"].as_str().unwrap().to_owned();
    let (watched, page) = (Watched { id: id.clone(), token }, Page::new(&app));
    let mut stream = page.follow(&watched.events(), None).await;
    assert_eq!(stream.status().await, "pending");
    app.advance(TimeDelta::minutes(1));
    let expired = stream.event().await.unwrap();
    assert_eq!((expired.status.as_str(), expired.id.as_str()), ("expired", "1.expired"));
    assert_eq!(stream.event().await, None);
    drop(lease);
    mobid::workers::expiry::sweep(&app.app).await.unwrap();
    // Now the log says so, too; who was told already is not told again.
    assert_eq!(page.follow(&watched.events(), Some(&expired.id)).await.status, 204);
    assert_eq!(page.follow(&watched.events(), Some("1")).await.event().await.unwrap().id, "1.expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_beats_and_ends_with_its_token() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let mut stream = page.follow(&watched.events(), None).await;
    assert_eq!(stream.status().await, "pending");
    // Each look begins when the clock was read, so it may have to be moved more than once.
    let beat = async {
        loop {
            app.advance(TimeDelta::seconds(15));
            if let Ok(block) = tokio::time::timeout(Duration::from_millis(200), stream.block()).await {
                return block.unwrap();
            }
        }
    };
    let beat = tokio::time::timeout(SOON, beat).await.unwrap();
    assert!(beat.starts_with(':'), "{beat}");
    app.advance(TimeDelta::hours(2));
    assert_eq!(stream.event().await, None);
    assert_eq!(page.follow(&watched.events(), None).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_follows_as_well_until_it_is_revoked_and_takes_no_concurrent_place() {
    let app = TestApp::start().await;
    let body = json!({ "name": "Small", "plan": "free", "permissions": ["consents:read", "consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    let client = crate::support::Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let id = client.post("/v1/service/consents", &crate::support::reference_body()).await.id();
    let follow = || Stream::of(client.request(Method::GET, &format!("{}/events", path_of(&id))));
    let mut streams = vec![];
    for _ in 0..7 {
        let mut stream = follow().await;
        assert_eq!(stream.status().await, "pending");
        streams.push(stream);
    }
    let path = format!("/v1/clients/{}", made.id());
    assert_eq!(app.api.patch(&path, &json!({ "status": "suspended" })).await.status, 200);
    app.api.delete(&path).await;
    assert_eq!(client.get(&path_of(&id)).await.status, 401);
    let ends = async {
        loop {
            app.advance(TimeDelta::seconds(15));
            if tokio::time::timeout(Duration::from_millis(200), streams[0].event())
                .await
                .is_ok_and(|end| end.is_none())
            {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, ends).await.unwrap();
    let other = app.other_client().await;
    let theirs =
        Stream::of(other.request(Method::GET, &format!("{}/events", path_of(&app.create_consent().await))))
            .await;
    assert_eq!(theirs.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_go_of_who_follows() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let mut stream = page.follow(&watched.events(), None).await;
    assert_eq!(stream.status().await, "pending");
    tokio::time::timeout(SOON, app.stop()).await.expect("it does not wait for who waits");
    assert_eq!(stream.event().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_pages_follow_one_consent_and_no_more() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let mut streams = vec![];
    let refused = loop {
        let mut stream = page.follow(&watched.events(), None).await;
        if stream.status != 200 {
            break stream;
        }
        assert_eq!(stream.status().await, "pending");
        streams.push(stream);
        assert!(streams.len() <= 16);
    };
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &"1".parse().unwrap()));
    assert_eq!(refused.headers["access-control-allow-origin"], "*");
    // The key has places of its own.
    let path = format!("{}?wait=1", path_of(&watched.id));
    let mut waiting = tokio::spawn({
        let api = app.api.clone();
        async move { api.get(&path).await }
    });
    approve(&app.app, &watched.id).await.unwrap();
    // Whether it began to wait before that or after it, its time ends.
    let answered = async {
        loop {
            app.advance(TimeDelta::seconds(1));
            if let Ok(reply) = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await {
                return reply.unwrap();
            }
        }
    };
    assert_eq!(tokio::time::timeout(SOON, answered).await.unwrap().status, 200);
    // Places come back.
    drop(streams);
    let again = async {
        while page.follow(&watched.events(), None).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}
