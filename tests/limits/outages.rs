//! Redis is away, slow or somebody else's: requests are served all the same, on the limits of each instance.

use std::process::Command;

use mobid::config::AdminListen;
use mobid::limits::Counting;
use mobid_domain::client::Plan;
use serde_json::Value;

use super::shared::{PATIENCE, until, use_up};
use super::{Customer, told};
use crate::support::process::ServerProcess;
use crate::support::redis::Redis;
use crate::support::{Api, Reply, TestApp, free_port, fresh_database};

/// What `/health/detail` says of limits: where they are counted, and what is wrong with Redis.
async fn detail(admin: &Api) -> (String, String) {
    let reply = admin.get("/health/detail").await;
    assert_eq!((reply.status, &reply.body["ready"]), (200, &Value::Bool(true)), "{}", reply.text);
    let limits = &reply.body["limits"];
    assert_eq!(limits["since"].is_null(), limits["error"].is_null(), "{limits}");
    (
        limits["condition"].as_str().unwrap().to_owned(),
        limits["error"].as_str().unwrap_or_default().to_owned(),
    )
}

/// A metric without labels.
async fn metric(admin: &Api, name: &str) -> Option<f64> {
    let text = admin.get("/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")))?;
    Some(line.parse().unwrap())
}

async fn ready(api: &Api) -> u16 {
    Reply::of(api.http.get(api.url("/health/ready"))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_comes_goes_and_comes_back_and_every_request_is_served() {
    let mut redis = Redis::not_yet();
    let admin = format!("127.0.0.1:{}", free_port());
    let variables = [
        ("REDIS_URL", redis.url()),
        ("MOBID_REDIS_TIMEOUT_MILLISECONDS", PATIENCE.to_string()),
        ("MOBID_ADMIN_LISTEN", admin.clone()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut server = ServerProcess::over(&fresh_database().await, &variables);
    server.start().await;
    let (owner, admin) = (server.api(), Api::new(format!("http://{admin}"), String::new()));
    let customer = Customer::made_by(&owner, Plan::Free).await;

    assert_eq!(detail(&admin).await.0, "redis_away");
    assert_eq!(told(&customer.ask().await), (200, "60", "59"));
    assert_eq!(metric(&admin, "mobid_limits_shared").await, Some(0.0));

    redis.start_again().await;
    until("it is found", async || detail(&admin).await.0 == "shared").await;
    assert_eq!(metric(&admin, "mobid_limits_shared").await, Some(1.0));
    for left in ["59", "58", "57"] {
        assert_eq!(told(&customer.ask().await), (200, "60", left), "it knows nothing of what was before");
    }

    redis.kill();
    // What it admitted itself, the instance knows: one before Redis came, and three since.
    for left in ["55", "54", "53"] {
        assert_eq!(told(&customer.ask().await), (200, "60", left));
    }
    let (admitted, _) = use_up(&customer, std::slice::from_ref(&owner), 3).await;
    assert_eq!(admitted.len(), 53, "its own limits hold");
    let (condition, error) = detail(&admin).await;
    assert_eq!(condition, "redis_away");
    assert!(!error.is_empty());
    assert_eq!(ready(&owner).await, 200);
    assert_eq!(metric(&admin, "mobid_limits_shared").await, Some(0.0));
    assert!(metric(&admin, "mobid_limits_counted_without_redis_total").await.unwrap() >= 4.0);

    redis.start_again().await;
    until("it is found again", async || detail(&admin).await == ("shared".to_owned(), String::new())).await;
    assert_eq!(told(&customer.ask().await), (200, "60", "59"));
    assert_eq!(metric(&admin, "mobid_limits_shared").await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_says_nothing_is_asked_once_and_then_left_alone() {
    let redis = Redis::start().await;
    let app = TestApp::start_with(|config| {
        config.redis_url = Some(redis.url());
        config.admin_listen = AdminListen::At(([127, 0, 0, 1], 0).into());
    })
    .await;
    let admin = Api::new(app.admin_url(""), String::new());
    let customer = Customer::of(&app, Plan::Growth).await;
    let shared = async || app.app.limiter.counting() == Counting::Shared;
    until("Redis is there", shared).await;
    let before = redis.scripts_run().await;
    redis.signal("STOP");
    for _ in 0..50 {
        assert_eq!(customer.ask().await.status, 200);
    }
    let (condition, error) = detail(&admin).await;
    assert_eq!((condition.as_str(), error.as_str()), ("redis_away", "no answer in time"));
    redis.signal("CONT");
    until("Redis is there again", shared).await;
    // One of the fifty, and what it takes to find it again.
    let asked = redis.scripts_run().await - before;
    assert!(asked < 10, "{asked}");
    until("it counts again", async || {
        assert_eq!(customer.ask().await.status, 200);
        redis.scripts_run().await > before + asked
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_the_password_of_redis() {
    let redis = Redis::start().await;
    let (wrong, admin) = ("leak-me-wrong-4711", format!("127.0.0.1:{}", free_port()));
    let variables = [
        ("REDIS_URL", redis.url_with(wrong)),
        ("MOBID_ADMIN_LISTEN", admin.clone()),
        ("RUST_LOG", "trace".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut server = ServerProcess::over(&fresh_database().await, &variables);
    server.start().await;
    let admin = Api::new(format!("http://{admin}"), String::new());
    let customer = Customer::made_by(&server.api(), Plan::Free).await;
    assert_eq!(told(&customer.ask().await), (200, "60", "59"));
    let (condition, error) = detail(&admin).await;
    assert_eq!(condition, "redis_away");
    let said = [error, admin.get("/metrics").await.text];
    assert!(server.terminate().await);
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert!(log.contains("Redis is away"), "{log}");
    for said in said.iter().chain([&log]) {
        assert!(!said.contains(wrong), "{said}");
    }
    for url in [redis.url_with(wrong), format!("http://:{wrong}@localhost")] {
        let mut mobid = Command::new(env!("CARGO_BIN_EXE_mobid"));
        let output =
            mobid.arg("config").current_dir(&server.data_dir).env("REDIS_URL", url).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty() && !String::from_utf8(said).unwrap().contains(wrong));
    }
}
