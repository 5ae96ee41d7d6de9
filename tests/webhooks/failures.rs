//! What happens when a delivery does not arrive.

use chrono::TimeDelta;
use serde_json::json;

use super::subscriber::{Answer, Subscriber};
use super::{Delivery, due, register, until, until_settled};
use crate::support::TestApp;

async fn start() -> TestApp {
    TestApp::start().await
}

/// One event for all endpoints that want `consent.created`.
async fn happen(app: &TestApp) {
    app.create_consent_with(json!({ "callbackUrl": null })).await;
}

fn attempted(times: i32) -> impl Fn(&[Delivery]) -> bool {
    move |all: &[Delivery]| !all.is_empty() && all.iter().all(|delivery| delivery.attempts == times)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_tried_again_on_schedule_under_the_same_id() {
    let app = start().await;
    let subscriber = Subscriber::answering(&[500, 503, 200]).await;
    register(&app.api, &subscriber.url(), &[]).await;
    happen(&app).await;
    let failed = until(&app, attempted(1)).await;
    assert_eq!(failed[0].error.as_deref(), Some("status 500"));
    assert_eq!((failed[0].status.as_str(), failed[0].status_code), ("pending", Some(500)));
    // 5 s ± 10 %
    app.advance(TimeDelta::milliseconds(4_400));
    assert_eq!(due(&app).await, 0);
    app.advance(TimeDelta::milliseconds(1_200));
    until(&app, attempted(2)).await;
    // 5 min ± 10 %
    app.advance(TimeDelta::seconds(269));
    assert_eq!(due(&app).await, 0);
    app.advance(TimeDelta::seconds(62));
    let settled = until_settled(&app).await;
    assert_eq!((settled[0].status.as_str(), settled[0].attempts), ("succeeded", 3));
    let received = subscriber.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|r| r.id() == received[0].id() && r.body == received[0].body));
    let timestamps: Vec<i64> =
        received.iter().map(|r| r.headers["webhook-timestamp"].parse().unwrap()).collect();
    assert!(timestamps[0] < timestamps[1] && timestamps[1] < timestamps[2], "{timestamps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_schedule_is_used_up_has_failed() {
    let app = TestApp::start_with(|config| config.webhook_schedule_seconds = vec![0, 10]).await;
    let subscriber = Subscriber::answering(&[500]).await;
    register(&app.api, &subscriber.url(), &[]).await;
    happen(&app).await;
    until(&app, attempted(1)).await;
    app.advance(TimeDelta::seconds(11));
    let settled = until_settled(&app).await;
    assert_eq!((settled[0].status.as_str(), settled[0].attempts), ("failed", 2));
    app.advance(TimeDelta::days(1));
    assert_eq!(due(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_disabled() {
    let app = start().await;
    let (gone, other) = (Subscriber::answering(&[410]).await, Subscriber::start().await);
    let (id, _) = register(&app.api, &gone.url(), &[]).await;
    register(&app.api, &other.url(), &["webhook.disabled"]).await;
    happen(&app).await;
    other.has_received(1).await;
    let settled = until_settled(&app).await;
    let to_gone: Vec<_> = settled.iter().filter(|delivery| delivery.target == id).collect();
    assert_eq!(to_gone.len(), 1);
    assert_eq!((to_gone[0].status.as_str(), to_gone[0].status_code), ("failed", Some(410)));
    let shown = app.api.get(&format!("/v1/webhooks/{id}")).await;
    assert_eq!(shown.data()["status"], "disabled");
    let mut expected = shown.data().clone();
    expected["sequence"] = json!(2);
    let told = &other.bodies()[0];
    assert_eq!((&told["type"], &told["data"]), (&json!("webhook.disabled"), &expected));
    happen(&app).await;
    until_settled(&app).await;
    assert_eq!(gone.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_five_days_is_disabled() {
    let app = TestApp::start_with(|config| config.webhook_schedule_seconds = vec![0, 3_600]).await;
    let subscriber = Subscriber::answering(&[500]).await;
    let (id, _) = register(&app.api, &subscriber.url(), &["consent.created"]).await;
    let status = async || app.api.get(&format!("/v1/webhooks/{id}")).await.data()["status"].clone();
    for day in 0..4 {
        happen(&app).await;
        until(&app, |all| all.len() == day + 1 && all.iter().all(|d| d.attempts > 0)).await;
        app.advance(TimeDelta::hours(24));
        until_settled(&app).await;
        assert_eq!(status().await, "active", "day {day}");
    }
    app.advance(TimeDelta::hours(23));
    happen(&app).await;
    until(&app, |all| all.len() == 5 && all.iter().all(|d| d.attempts > 0)).await;
    app.advance(TimeDelta::hours(2));
    until_settled(&app).await;
    assert_eq!(status().await, "disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_failure_and_not_followed() {
    let app = start().await;
    let elsewhere = Subscriber::start().await;
    let script = [301, 302, 307, 308].map(|status| Answer(status, vec![("location", elsewhere.url())]));
    let redirecting = Subscriber::scripted(script.to_vec()).await;
    register(&app.api, &redirecting.url(), &[]).await;
    happen(&app).await;
    for (attempt, hours) in [(1, 0), (2, 1), (3, 1), (4, 1)] {
        app.advance(TimeDelta::hours(hours));
        let found = until(&app, attempted(attempt)).await;
        let code = [301, 302, 307, 308][usize::try_from(attempt - 1).unwrap()];
        assert_eq!((found[0].status.as_str(), found[0].status_code), ("pending", Some(code)));
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_redirects_leads_nowhere() {
    let app = start().await;
    let home = Subscriber::start().await;
    let redirecting = Subscriber::scripted(vec![Answer(307, vec![("location", home.url())])]).await;
    let id = app.create_consent_with(json!({ "callbackUrl": redirecting.url() })).await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let found = until(&app, attempted(1)).await;
    assert_eq!((found[0].status.as_str(), found[0].status_code), ("pending", Some(307)));
    assert_eq!(home.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it() {
    let app = start().await;
    let in_an_hour =
        (app.clock().now() + TimeDelta::hours(1)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let seconds =
        Subscriber::scripted(vec![Answer(429, vec![("retry-after", "120".to_owned())]), Answer(200, vec![])]);
    let date =
        Subscriber::scripted(vec![Answer(503, vec![("retry-after", in_an_hour)]), Answer(200, vec![])]);
    let (seconds, date) = (seconds.await, date.await);
    register(&app.api, &seconds.url(), &[]).await;
    register(&app.api, &date.url(), &[]).await;
    happen(&app).await;
    until(&app, attempted(1)).await;
    app.advance(TimeDelta::seconds(119));
    assert_eq!(due(&app).await, 0);
    app.advance(TimeDelta::seconds(1));
    until(&app, |all| all.iter().any(|delivery| delivery.status == "succeeded")).await;
    assert_eq!(seconds.received().len(), 2);
    app.advance(TimeDelta::minutes(57));
    assert_eq!(due(&app).await, 0);
    app.advance(TimeDelta::minutes(1));
    assert!(until_settled(&app).await.iter().all(|delivery| delivery.status == "succeeded"));
    assert_eq!(date.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_unless_allowed() {
    let app = TestApp::start_with(|config| config.webhook_allow_private = false).await;
    let home = Subscriber::start().await;
    let port = home.address.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
    ] {
        register(&app.api, &url, &["consent.created"]).await;
    }
    // A callbackUrl goes the same way.
    let id = app.create_consent_with(json!({ "callbackUrl": home.url() })).await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    let refused = until(&app, attempted(1)).await;
    assert_eq!(refused.len(), 8);
    for delivery in refused {
        let seen = (delivery.status.as_str(), delivery.error.as_deref(), delivery.status_code);
        assert_eq!(seen, ("pending", Some("refused_address"), None), "{}", delivery.target);
    }
    assert_eq!(home.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_wrong_is_told_in_a_word_and_never_where() {
    let app = start().await;
    let plain = Subscriber::start().await;
    let closed = crate::support::free_port();
    let (not_tls, _) = register(&app.api, &plain.url().replace("http:", "https:"), &[]).await;
    let (nobody, _) = register(&app.api, &format!("http://127.0.0.1:{closed}/"), &[]).await;
    let (unknown, _) = register(&app.api, "https://no-such-host.invalid/", &[]).await;
    happen(&app).await;
    let failed = until(&app, attempted(1)).await;
    let error = |target: &str| failed.iter().find(|d| d.target == *target).unwrap().error.clone().unwrap();
    assert_eq!(error(&not_tls), "tls");
    assert_eq!(error(&nobody), "connect");
    assert_eq!(error(&unknown), "dns");
}
