//! Several instances over one Postgres and one Redis are, to a client, one.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use mobid::limits::Counting;
use mobid_domain::client::{Limits, Plan};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{interval, timeout};

use super::{Customer, hold, let_go, spend, told, unix};
use crate::support::redis::Redis;
use crate::support::{Api, Reply, TestApp, free_port};

/// What Redis may take here: however busy the machine is, it is not taken to be away.
pub const PATIENCE: u64 = 10_000;
/// How long something may take to come true.
const BOUND: Duration = Duration::from_mins(1);

/// Waits until it is so.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let so = timeout(BOUND, async {
        let mut look = interval(Duration::from_millis(10));
        while !holds().await {
            look.tick().await;
        }
    });
    so.await.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"));
}

/// Three instances, all of which have found Redis.
async fn three(redis: &Redis) -> [TestApp; 3] {
    let one = TestApp::start_with(|config| {
        config.redis_url = Some(redis.url());
        config.redis_timeout_milliseconds = PATIENCE;
    })
    .await;
    let (two, three) = (one.twin().await, one.twin().await);
    let apps = [one, two, three];
    until("all have found Redis", async || {
        apps.iter().all(|app| app.app.limiter.counting() == Counting::Shared)
    })
    .await;
    apps
}

/// Asks at each of these, `streams` at a time, until refused; answers what was admitted, and the refusals.
pub async fn use_up(customer: &Customer, at: &[Api], streams: usize) -> (Vec<Reply>, Vec<Reply>) {
    let stream = |n: usize| {
        let api = customer.api.at(&at[n % at.len()]);
        async move {
            let mut admitted = vec![];
            loop {
                let reply = api.get("/v1/health").await;
                if reply.status == 429 {
                    return (admitted, reply);
                }
                assert_eq!(reply.status, 200, "{}", reply.text);
                admitted.push(reply);
            }
        }
    };
    let (admitted, refused): (Vec<_>, Vec<_>) = join_all((0..streams).map(stream)).await.into_iter().unzip();
    (admitted.into_iter().flatten().collect(), refused)
}

fn apis(apps: &[TestApp]) -> Vec<Api> {
    apps.iter().map(|app| app.api.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_admit_exactly_what_the_plan_has_for_a_minute() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Basic).await;
    for _ in 0..2 {
        let resets = unix(apps[0].clock().now() + TimeDelta::minutes(1));
        let (admitted, refused) = use_up(&customer, &apis(&apps), 24).await;
        let left: BTreeSet<u32> =
            admitted.iter().map(|reply| reply.header("x-ratelimit-remaining").parse().unwrap()).collect();
        assert_eq!((admitted.len(), left), (300, (0..300).collect()), "each is told of another one");
        for reply in admitted.iter().chain(&refused) {
            assert_eq!(reply.header("x-ratelimit-reset"), resets);
        }
        for reply in refused {
            assert_eq!(reply.data(), &json!({ "policy": "minute", "limit": 300, "retryAfter": 60 }));
        }
        apps[0].advance(TimeDelta::minutes(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_admit_exactly_what_the_plan_has_for_a_day() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    let unhurried = Limits { per_minute: None, concurrent: None, ..Plan::Free.limits() };
    for (app, requests) in apps.iter().zip([400, 400, 194]) {
        spend(app, &customer, unhurried, requests).await;
    }
    apps[0].advance(TimeDelta::minutes(1));
    for left in (0..6).rev() {
        let reply = customer.api.at(&apps[left % 3].api).get("/v1/health").await;
        assert_eq!(told(&reply), (200, "1000", left.to_string().as_str()));
    }
    for app in &apps {
        let refused = customer.api.at(&app.api).get("/v1/health").await;
        assert_eq!(refused.data(), &json!({ "policy": "day", "limit": 1_000, "retryAfter": 86_340 }));
    }
    apps[0].advance(TimeDelta::days(1) - TimeDelta::minutes(1));
    assert_eq!(told(&customer.ask().await), (200, "60", "59"));
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_admit_no_more_at_the_same_time_than_the_plan_has() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    let mut held = vec![];
    for n in 0..5 {
        held.push(hold(&customer.api.at(&apps[n % 3].api)).await);
    }
    until("five are under way", async || redis.places(customer.id).await == 5).await;
    for app in &apps {
        let refused = customer.api.at(&app.api).get("/v1/health").await;
        assert_eq!(refused.data(), &json!({ "policy": "concurrency", "limit": 5, "retryAfter": 1 }));
        assert!(refused.header("ratelimit").ends_with("\"concurrency\";r=0"), "{:?}", refused.headers);
    }
    let text = let_go(held.pop().unwrap()).await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    until("one is answered", async || redis.places(customer.id).await == 4).await;
    assert_eq!(customer.api.at(&apps[2].api).get("/v1/health").await.status, 200);
    // Who goes away without an answer gives the place back as well.
    drop(held);
    until("the others are gone", async || redis.places(customer.id).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_one_thing_after_the_other_finds_the_own_place_free() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Enterprise).await;
    let path = format!("/v1/clients/{}", customer.id);
    assert_eq!(apps[0].api.patch(&path, &json!({ "limits": { "concurrent": 1 } })).await.status, 200);
    for n in 0..200 {
        assert_eq!(customer.ask().await.status, 200, "{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_admits_what_the_plan_has() {
    let one = TestApp::start().await;
    let apps = [one.twin().await, one];
    let customer = Customer::of(&apps[1], Plan::Free).await;
    for app in &apps {
        assert_eq!(app.app.limiter.counting(), Counting::InProcess);
        let (admitted, _) = use_up(&customer, std::slice::from_ref(&app.api), 3).await;
        assert_eq!(admitted.len(), 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_counts_at_once_on_all_of_them() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    spend(&apps[0], &customer, Plan::Free.limits(), 60).await;
    let at = |n: usize| customer.api.at(&apps[n].api);
    assert_eq!(told(&at(1).get("/v1/health").await), (429, "60", "0"));
    let path = format!("/v1/clients/{}", customer.id);
    let change = async |body| assert_eq!(apps[0].api.patch(&path, &body).await.status, 200);
    change(json!({ "plan": "basic" })).await;
    assert_eq!(told(&at(1).get("/v1/health").await), (200, "300", "239"));
    change(json!({ "plan": "enterprise" })).await;
    assert_eq!(told(&at(2).get("/v1/health").await), (200, "", ""));
    change(json!({ "limits": { "perMinute": 63 } })).await;
    assert_eq!(told(&at(0).get("/v1/health").await), (200, "63", "0"));
    assert_eq!(told(&at(1).get("/v1/health").await), (429, "63", "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_costs_one_round_trip() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    let mut monitor = BufReader::new(UnixStream::connect(redis.socket()).await.unwrap());
    let ask = format!("AUTH {}\r\nMONITOR\r\n", Redis::password());
    monitor.write_all(ask.as_bytes()).await.unwrap();
    let mut seen = monitor.lines();
    for _ in 0..2 {
        assert_eq!(seen.next_line().await.unwrap().unwrap(), "+OK");
    }
    for n in 0..30 {
        assert_eq!(customer.api.at(&apps[n % 3].api).get("/v1/health").await.status, 200);
    }
    // Places are given back meanwhile, and by the end all of them are.
    until("no request is under way", async || redis.places(customer.id).await == 0).await;
    redis::cmd("ECHO").arg("the end").query_async::<()>(&mut redis.connection().await).await.unwrap();
    let (mut counted, mut given_back) = (0, 0);
    loop {
        let line = seen.next_line().await.unwrap().unwrap();
        let command = line.split_once("] ").unwrap().1;
        if line.contains(" lua] ") {
            continue;
        }
        if command.starts_with("\"ECHO\"") {
            break;
        }
        counted += u32::from(command.starts_with("\"EVALSHA\""));
        given_back += u32::from(command.starts_with("\"ZREM\""));
        let ours = ["\"EVALSHA\"", "\"ZREM\"", "\"ZCARD\"", "\"PING\"", "\"AUTH\"", "\"CLIENT\""];
        assert!(ours.iter().any(|name| command.starts_with(name)), "{line}");
    }
    assert_eq!(counted, 30);
    assert!(given_back <= 30, "{given_back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_redis_forgot_is_loaded_again() {
    let redis = Redis::start().await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    assert_eq!(told(&customer.ask().await), (200, "60", "59"));
    let forget = redis::cmd("SCRIPT").arg("FLUSH").to_owned();
    forget.query_async::<()>(&mut redis.connection().await).await.unwrap();
    assert_eq!(told(&customer.ask().await), (200, "60", "58"));
    assert_eq!(apps[0].app.limiter.counting(), Counting::Shared);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_keys_of_a_client_are_in_one_slot_of_a_cluster() {
    let (port, bus) = (free_port().to_string(), free_port().to_string());
    let cluster = ["--port", &port, "--cluster-enabled", "yes", "--cluster-port", &bus];
    let redis = Redis::start_with(&cluster).await;
    let slots = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383).to_owned();
    slots.query_async::<()>(&mut redis.connection().await).await.unwrap();
    until("the cluster serves", async || {
        let info = redis::cmd("CLUSTER").arg("INFO").to_owned();
        let info: String = info.query_async(&mut redis.connection().await).await.unwrap();
        info.contains("cluster_state:ok")
    })
    .await;
    let apps = three(&redis).await;
    let customer = Customer::of(&apps[0], Plan::Free).await;
    for (n, left) in ["59", "58", "57"].into_iter().enumerate() {
        let reply = customer.api.at(&apps[n].api).get("/v1/health").await;
        assert_eq!(told(&reply), (200, "60", left));
    }
    until("places are given back", async || redis.places(customer.id).await == 0).await;
    assert!(apps.iter().all(|app| app.app.limiter.counting() == Counting::Shared));
}
