//! What a watch token opens, and what it does not.

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::{Page, SOON, Watched, path_of};
use crate::support::{Api, Reply, TestApp, approve, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shows_the_status_and_nothing_else() {
    let app = TestApp::start().await;
    let watched = Watched::new(&app).await;
    let (page, path) = (Page::new(&app), watched.path());
    let seen = page.get(&path).await;
    let fields: Vec<_> = seen.data().as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["decidedAt", "expiresAt", "id", "scannedAt", "status"], "{}", seen.text);
    assert_eq!((seen.status, &seen.data()["status"]), (200, &json!("pending")));
    approve(&app.app, &watched.id).await.unwrap();
    let seen = page.get(&path).await;
    assert_eq!(seen.data()["status"], "approved");
    assert!(!seen.text.contains("Ann") && !seen.text.contains(crate::support::RECIPIENT));
    // Nor how it was before, nor anything but by looking.
    assert_eq!(page.get(&format!("{path}&asOf=1")).await.status, 400);
    for (method, path) in [
        (Method::DELETE, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::GET, format!("{}/history?watchToken={}", path_of(&watched.id), watched.token)),
        (Method::GET, format!("/v1/service/consents?watchToken={}", watched.token)),
        (Method::POST, format!("/v1/service/consents?watchToken={}", watched.token)),
    ] {
        let reply = Reply::of(page.api.http.request(method, page.api.url(&path)).json(&json!({}))).await;
        assert_eq!(reply.status, 401, "{path}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_own_resource_and_for_its_own_time() {
    let app = TestApp::start().await;
    let (mine, other, page) = (Watched::new(&app).await, Watched::new(&app).await, Page::new(&app));
    for token in [other.token.as_str(), "", "wt_", "wt_1.x", &mine.token[..mine.token.len() - 1]] {
        let reply = page.get(&format!("{}?watchToken={token}", path_of(&mine.id))).await;
        assert_eq!(reply.status, 401, "{token}: {}", reply.text);
        assert!(reply.header("www-authenticate").contains("X-Mobid-Key"));
    }
    let never = path_of("cs_00000000000000000000000000");
    assert_eq!(page.get(&format!("{never}?watchToken={}", mine.token)).await.status, 401);
    app.advance(TimeDelta::minutes(59));
    assert_eq!(page.get(&mine.path()).await.status, 200);
    app.advance(TimeDelta::minutes(61));
    assert_eq!(page.get(&mine.path()).await.status, 401);
    let again = app.api.get(&path_of(&mine.id)).await.data()["watchToken"].as_str().unwrap().to_owned();
    assert_ne!(again, mine.token);
    assert_eq!(page.get(&Watched { id: mine.id, token: again }.path()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_given_where_there_is_something_to_watch() {
    let app = TestApp::start().await;
    let first = app.api.post_once("/v1/service/consents", "k", &reference_body()).await;
    let id = first.id();
    let token = first.data()["watchToken"].clone();
    assert!(token.as_str().unwrap().starts_with("wt_"));
    app.advance(TimeDelta::hours(2));
    let again = app.api.post_once("/v1/service/consents", "k", &reference_body()).await;
    assert_eq!(again.data()["watchToken"], token, "the first answer again");
    let later = app.api.get(&path_of(&id)).await;
    assert_ne!(later.data()["watchToken"], token);
    let listed = app.api.get("/v1/service/consents").await;
    assert_eq!(listed.data()["items"][0]["id"], json!(id));
    assert_eq!(listed.data()["items"][0].get("watchToken"), None);
    assert_eq!(app.api.get(&format!("{}?asOf=99", path_of(&id))).await.data().get("watchToken"), None);
    let ended = app.api.delete(&path_of(&id)).await;
    assert_eq!((&ended.data()["status"], ended.data().get("watchToken")), (&json!("revoked"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_every_origin_may_read_the_answer_and_may_send_the_header() {
    for origins in [vec![], vec!["https://console.example".to_owned()]] {
        let app = TestApp::start_with(|config| config.cors_origins = origins).await;
        let (watched, page) = (Watched::new(&app).await, Page::new(&app));
        for (path, status) in [(watched.path(), 200), (watched.path() + "x", 401)] {
            let reply = page.get(&path).await;
            let allowed: Vec<_> = reply.headers.get_all("access-control-allow-origin").iter().collect();
            assert_eq!(
                (reply.status, allowed.as_slice()),
                (status, &[&HeaderValue::from_static("*")][..]),
                "{path}"
            );
            assert_eq!(reply.header("access-control-allow-credentials"), "");
        }
        let url = page.api.url(&path_of(&watched.id));
        let asked = page.api.http.request(Method::OPTIONS, &url).header("Origin", "https://shop.example");
        let asked = asked.header("Access-Control-Request-Method", "GET");
        let asked = asked.header("Access-Control-Request-Headers", "x-mobid-watch-token");
        let may = Reply::of(asked).await;
        assert_eq!((may.status, may.header("access-control-allow-origin")), (204, "*"));
        assert!(may.header("access-control-allow-headers").contains("x-mobid-watch-token"));
        let header = page.api.http.get(&url).header("X-Mobid-Watch-Token", &watched.token);
        assert_eq!(Reply::of(header).await.data()["status"], "pending");
        // A key stays what it was: for no page.
        let keyed =
            app.api.request(Method::GET, &path_of(&watched.id)).header("Origin", "https://shop.example");
        assert_eq!(Reply::of(keyed).await.header("access-control-allow-origin"), "");
        // Nor do hosted pages get more open by a parameter of theirs.
        let hosted = page.get(&format!("/r/{}?watchToken=x", watched.id)).await;
        assert_eq!(hosted.header("access-control-allow-origin"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_waits_for_the_decision() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let path = format!("{}&wait=30", watched.path());
    let mut waiting = tokio::spawn(async move { page.get(&path).await });
    tokio::time::timeout(std::time::Duration::from_millis(300), &mut waiting).await.expect_err("it waits");
    approve(&app.app, &watched.id).await.unwrap();
    let seen = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!((&seen.data()["status"], seen.data().get("claims")), (&json!("approved"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_shut_out_is_not_watched_any_more() {
    let app = TestApp::start().await;
    let body = json!({ "name": "Mallory Ltd", "permissions": ["consents:read", "consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    let client = Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let created = client.post("/v1/service/consents", &reference_body()).await;
    let token = created.data()["watchToken"].as_str().unwrap().to_owned();
    let watched = Watched { id: created.id(), token };
    let page = Page::new(&app);
    assert_eq!(page.get(&watched.path()).await.status, 200);
    let path = format!("/v1/clients/{}", made.id());
    assert_eq!(app.api.patch(&path, &json!({ "status": "suspended" })).await.status, 200);
    assert_eq!(page.get(&watched.path()).await.status, 401);
    assert_eq!(app.api.patch(&path, &json!({ "status": "active" })).await.status, 200);
    assert_eq!(page.get(&watched.path()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_uses_up_nothing_of_the_clients_and_who_guesses_is_turned_away() {
    let app = TestApp::start().await;
    let (watched, page) = (Watched::new(&app).await, Page::new(&app));
    let body = json!({ "name": "Small", "plan": "free", "permissions": ["consents:read", "consents:write"] });
    let made = app.api.post("/v1/clients", &body).await;
    let small = Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned());
    let created = small.post("/v1/service/consents", &reference_body()).await;
    let token = created.data()["watchToken"].as_str().unwrap().to_owned();
    let theirs = Watched { id: created.id(), token };
    for _ in 0..70 {
        let seen = page.get(&theirs.path()).await;
        assert_eq!((seen.status, seen.header("x-ratelimit-limit")), (200, ""));
    }
    let own = small.get(&path_of(&theirs.id)).await;
    assert_eq!((own.status, own.header("x-ratelimit-remaining")), (200, "58"));
    let mut last = Value::Null;
    for n in 0..130 {
        let guess = page.get(&format!("{}?watchToken=wt_{n}.x", path_of(&watched.id))).await;
        last = json!(guess.status);
    }
    assert_eq!(last, json!(429));
    assert_eq!(page.get(&watched.path()).await.status, 429, "whoever guesses, from there");
}
