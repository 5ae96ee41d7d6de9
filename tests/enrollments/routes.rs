//! What a client does with an enrollment.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{enrollment, status};
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{RECIPIENT, Reply, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_says_whom_it_asks_and_where_they_answer() {
    let app = TestApp::start().await;
    let claims = json!({ "name": "Ann Example" });
    let body = json!({ "recipient": RECIPIENT, "displayName": "Ann", "claims": claims, "expiresIn": 60,
        "callbackUrl": "https://yourapp.com/callback" });
    let made = app.api.post("/v1/enrollments", &body).await;
    assert_eq!((made.status, made.header("etag")), (200, "\"1\""), "{}", made.text);
    let id = made.id();
    assert!(id.starts_with("enr_"));
    let data = made.data();
    assert_eq!(data["status"], "pending");
    assert_eq!(data["recipient"], RECIPIENT);
    assert_eq!(data["displayName"], "Ann");
    assert_eq!(data["claims"], claims);
    assert_eq!(data["callbackUrl"], "https://yourapp.com/callback");
    assert_eq!(data["url"], app.url(&format!("/r/{id}")));
    assert_eq!(data["qrCode"], app.url(&format!("/qr/{id}")));
    assert_eq!(data["deviceId"], Value::Null);
    let consent = app.create_consent().await;
    let consent = app.api.get(&format!("/v1/service/consents/{consent}")).await;
    assert_eq!(data["userId"], consent.data()["userId"], "the same person to the same client");
    assert_eq!(enrollment(&app, &id).await, *data);
}

#[tokio::test(flavor = "multi_thread")]
async fn enrollments_are_listed_newest_first_by_status_and_person() {
    let app = TestApp::start().await;
    let mut ids = vec![];
    for recipient in [RECIPIENT, "ann@example.com", RECIPIENT] {
        ids.push(create_with(&app.api, json!({ "recipient": recipient })).await);
        app.advance(TimeDelta::seconds(1));
    }
    app.api.delete(&format!("/v1/enrollments/{}", ids[0])).await;
    let list = async |query: &str| {
        let reply = app.api.get(&format!("/v1/enrollments{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let items = reply.data()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    assert_eq!(list("?status=cancelled").await, [ids[0].clone()]);
    assert_eq!(list("?recipient=ANN%40example.com").await, [ids[1].clone()]);
    assert!(list("?recipient=bob%40example.com").await.is_empty());
    let first = app.api.get("/v1/enrollments?limit=2").await;
    let cursor = first.data()["nextCursor"].as_str().unwrap();
    assert_eq!(list(&format!("?limit=2&cursor={cursor}")).await, [ids[0].clone()]);
    app.advance(TimeDelta::days(2));
    assert_eq!(list("?status=expired").await, [ids[2].clone(), ids[1].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_cancelled_as_it_was_read_or_not_at_all() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let path = format!("/v1/enrollments/{id}");
    let cancel =
        async |tag: &str| Reply::of(app.api.request(Method::DELETE, &path).header("If-Match", tag)).await;
    assert_eq!(cancel("\"7\"").await.status, 409);
    assert_eq!(status(&app, &id).await, "pending");
    let cancelled = cancel("\"1\"").await;
    assert_eq!((cancelled.status, cancelled.header("etag")), (200, "\"2\""), "{}", cancelled.text);
    assert_eq!(cancelled.data()["status"], "cancelled");
    let again = app.api.delete(&path).await;
    assert_eq!((again.status, &again.body["data"]["status"]), (409, &json!("cancelled")));
    let mut ann = Enrollee::new(&app.api);
    assert_eq!(ann.browser.open(&id).await.heading(), "The request was taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_shown_as_it_was() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let before = app.clock().now();
    app.advance(TimeDelta::minutes(1));
    app.api.delete(&format!("/v1/enrollments/{id}")).await;
    let then = before.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let was = app.api.get(&format!("/v1/enrollments/{id}?asOf={then}")).await;
    // The database's clock, by which it is looked for, goes on while the test's stands.
    assert!([200, 404].contains(&was.status), "{}", was.text);
    let was = app.api.get(&format!("/v1/enrollments/{id}?asOf=2")).await;
    assert_eq!((was.status, was.data()["status"].as_str()), (200, Some("pending")), "{}", was.text);
    assert_eq!(app.api.get(&format!("/v1/enrollments/{id}?asOf=1")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_expires_and_its_page_says_so() {
    let app = TestApp::start().await;
    let id = create_with(&app.api, json!({ "expiresIn": 1 })).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    app.advance(TimeDelta::minutes(2));
    assert_eq!(status(&app, &id).await, "expired");
    let page = ann.browser.open(&id).await;
    assert_eq!((page.status, page.heading()), (200, "This request has expired"));
    mobid::workers::expiry::sweep_enrollments(&app.app).await.unwrap();
    app.caught_up().await;
    let recorded: Vec<String> = sqlx::query_scalar("select status from enrollments where id = $1")
        .bind(&id)
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert_eq!(recorded, ["expired"]);
    assert_eq!(app.count("enrollment.expired").await, 1);
}
