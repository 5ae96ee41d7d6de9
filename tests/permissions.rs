//! Who may use which route: each row of the router's own table, by each key that there can be.
//!
//! A route that is added is asked here as well. One that names a new kind of thing has to say below which one it is.

use chrono::TimeDelta;
use mobid::http::authentication::ApiKey;
use mobid::http::guard::Access;
use mobid::http::router;
use mobid::http::table::Row;
use mobid_domain::client::Permission;
use reqwest::Method;
use serde_json::json;

use crate::support::authenticator::device_of;
use crate::support::enrollee::registered;
use crate::support::{Api, Reply, TestApp};

/// One of each thing that a path can name, all of them the owner's, and a name that no thing of its kind has.
struct Things(Vec<(&'static str, String, &'static str)>);

impl Things {
    async fn make(app: &TestApp) -> Self {
        let listed = app.api.get("/v1/clients").await;
        let owner = listed.data()["items"][0]["id"].as_str().unwrap().to_owned();
        let endpoint = app.api.post("/v1/webhooks", &json!({ "url": "https://example.com/" })).await.id();
        let consent = app.create_consent().await;
        let code = json!({ "type": "consent", "referenceId": consent });
        let code = app.api.post("/v1/qr/generate", &code).await.id();
        Self(vec![
            ("/clients/{id}", owner, "cl_00000000000000000000000000"),
            ("/devices/{id}", device_of(&app.api, "ann").await.0, "dev_00000000000000000000000000"),
            ("/enrollments/{id}", registered(app).await.0, "enr_00000000000000000000000000"),
            ("/qr/{id}", code, "qr_00000000000000000000000000"),
            ("/service/consents/{id}", consent, "cs_00000000000000000000000000"),
            ("/webhooks/{id}", endpoint, "we_00000000000000000000000000"),
        ])
    }

    /// The path of a thing that is there, and the same of one that never was.
    fn paths(&self, row: &Row) -> (String, String) {
        if !row.path.contains('{') {
            return (format!("/v1{}", row.path), format!("/v1{}", row.path));
        }
        let (named, there, never) = self
            .0
            .iter()
            .find(|(named, ..)| row.path.starts_with(named))
            .unwrap_or_else(|| panic!("say what {} names", row.path));
        let path = |id: &str| format!("/v1{}", row.path.replace(named, &named.replace("{id}", id)));
        (path(there), path(never))
    }
}

async fn send(api: &Api, method: &Method, path: &str) -> Reply {
    Reply::of(api.request(method.clone(), path).json(&json!({}))).await
}

async fn count_of_events(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(app.pool()).await.unwrap()
}

fn all_but(permission: Permission) -> Vec<Permission> {
    Permission::ALL.iter().copied().filter(|other| *other != permission).collect()
}

fn refusal(reply: &Reply) -> &str {
    assert_eq!(reply.body["type"], "forbidden");
    reply.body["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_there_for_who_has_no_key() {
    let app = TestApp::start().await;
    let things = Things::make(&app).await;
    let before = count_of_events(&app).await;
    for key in [String::new(), "qk_".to_owned(), ApiKey::random().reveal().to_owned()] {
        let stranger = Api::new(app.url(""), key);
        app.advance(TimeDelta::minutes(1));
        let mut bodies = vec![];
        for row in router::declared() {
            let reply = send(&stranger, &row.method, &things.paths(&row).0).await;
            assert_eq!(reply.status, 401, "{row:?}");
            bodies.push(reply.without_request_id());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1);
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_opens_its_routes_and_no_other() {
    let app = TestApp::start().await;
    let things = Things::make(&app).await;
    let mut keys = vec![];
    for permission in Permission::ALL {
        keys.push((*permission, app.client_with(&[*permission]).await));
    }
    let before = count_of_events(&app).await;
    for row in router::declared() {
        let (there, _) = things.paths(&row);
        for (permission, key) in &keys {
            let reply = send(key, &row.method, &there).await;
            match row.access {
                Access::With(needed) | Access::Watched(needed) if needed != *permission => {
                    assert_eq!(reply.status, 403, "{row:?} by {permission}: {}", reply.text);
                    assert!(refusal(&reply).contains(needed.as_str()));
                }
                Access::Owner(_) => {
                    assert_eq!(reply.status, 403, "{row:?} by {permission}: {}", reply.text);
                    assert_eq!(refusal(&reply), "Only the owner may do this.");
                }
                Access::With(_) | Access::Watched(_) | Access::Everybody | Access::OfAClient => {
                    // 409: these clients have no RP id.
                    assert!([200, 400, 404, 409].contains(&reply.status), "{row:?}: {}", reply.text);
                }
            }
        }
    }
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_permission_together_does_not_open_a_route() {
    let app = TestApp::start().await;
    let things = Things::make(&app).await;
    for permission in Permission::ALL {
        let key = app.client_with(&all_but(*permission)).await;
        for row in router::declared() {
            if [Access::With(*permission), Access::Watched(*permission)].contains(&row.access) {
                let reply = send(&key, &row.method, &things.paths(&row).0).await;
                assert_eq!(reply.status, 403, "{row:?}: {}", reply.text);
                assert_eq!(refusal(&reply), format!("The API key lacks the permission {permission}."));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_thing_is_as_good_as_none() {
    let app = TestApp::start().await;
    let things = Things::make(&app).await;
    let other = app.other_client().await;
    let before = count_of_events(&app).await;
    let named = router::declared().into_iter().filter(|row| row.path.contains('{'));
    let mut asked = 0;
    for row in named.filter(|row| !matches!(row.access, Access::Owner(_))) {
        let (there, never) = things.paths(&row);
        let (others, none) =
            (send(&other, &row.method, &there).await, send(&other, &row.method, &never).await);
        assert_eq!((others.status, none.status), (404, 404), "{row:?}: {}", others.text);
        assert_eq!(others.without_request_id(), none.without_request_id(), "{row:?}");
        let headers = |reply: &Reply| reply.headers.keys().cloned().collect::<Vec<_>>();
        assert_eq!(headers(&others), headers(&none), "{row:?}");
        asked += 1;
    }
    assert!(asked > 8, "{asked}");
    assert_eq!(count_of_events(&app).await, before, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_grace_is_good_for_everything_but_clients() {
    let app = TestApp::start().await;
    let things = Things::make(&app).await;
    let made = app.api.post("/v1/clients", &json!({ "name": "x", "permissions": Permission::ALL })).await;
    let key = made.data()["apiKey"].as_str().unwrap().to_owned();
    let old = Api::new(app.url(""), key);
    let regenerate = format!("/v1/clients/{}/regenerate-key", made.id());
    assert_eq!(old.post(&regenerate, &json!({ "graceSeconds": 60 })).await.status, 200);
    for row in router::declared() {
        let path = things.paths(&row).0.replace(&things.0[0].1, &made.id());
        let reply = send(&old, &row.method, &path).await;
        let of_clients = matches!(row.access, Access::Owner(_) | Access::OfAClient);
        // What persons report is for the owner alone, too.
        let expected = row.path.starts_with("/clients") || row.path == "/reports";
        assert_eq!(of_clients, expected, "{row:?}");
        assert_eq!(reply.status == 403, of_clients, "{row:?}: {}", reply.text);
    }
}
