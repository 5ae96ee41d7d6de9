//! What only shows between processes: clocks of their own, and being killed.

use std::collections::BTreeSet;

use mobid_domain::client::Plan;
use serde_json::json;

use super::shared::{PATIENCE, until, use_up};
use super::{Customer, hold, let_go};
use crate::chaos::wrong_clock::{self, WrongClock};
use crate::support::process::ServerProcess;
use crate::support::redis::Redis;
use crate::support::{Api, fresh_database};

/// Three processes over one Postgres and one Redis, each with these variables; the owner at each.
async fn processes(redis: &Redis, variables: [&[(&str, String)]; 3]) -> (Vec<ServerProcess>, Vec<Api>) {
    let (database, patience) = (fresh_database().await, PATIENCE.to_string());
    let url = redis.url();
    let (mut servers, mut apis): (Vec<ServerProcess>, Vec<Api>) = (vec![], vec![]);
    for variables in variables {
        let shared = [("REDIS_URL", url.as_str()), ("MOBID_REDIS_TIMEOUT_MILLISECONDS", &patience)];
        let mut server = ServerProcess::over(&database, &shared);
        for (name, value) in variables {
            server = server.with(name, value);
        }
        server.start().await;
        let key = apis.first().map_or_else(|| server.api().key, |owner| owner.key.clone());
        apis.push(Api::new(server.url(), key));
        servers.push(server);
    }
    (servers, apis)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_whose_clocks_differ_admit_exactly_what_the_plan_has() {
    let redis = Redis::start().await;
    let files = std::env::temp_dir().join(format!("mobid-clocks-{}", mobid::ids::new_id()));
    std::fs::create_dir_all(&files).unwrap();
    let [behind, right, ahead] = [-1, 0, 1].map(|minutes| {
        let clock = WrongClock::new(files.join(format!("clock{minutes}")));
        clock.set(minutes);
        clock.variables()
    });
    let (mut servers, apis) = processes(&redis, [&behind, &right, &ahead]).await;
    let customer = Customer::made_by(&apis[1], Plan::Free).await;
    let (admitted, refused) = use_up(&customer, &apis, 3).await;
    assert_eq!(admitted.len(), 60);
    let resets: BTreeSet<_> =
        admitted.iter().chain(&refused).map(|reply| reply.header("x-ratelimit-reset")).collect();
    assert_eq!(resets.len(), 1, "all say the same: {resets:?}");
    for server in &mut servers {
        let pid = server.pid().unwrap();
        server.kill_server();
        wrong_clock::forget(pid);
    }
    std::fs::remove_dir_all(&files).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_an_instance_that_was_killed_come_back() {
    let redis = Redis::start().await;
    let (mut servers, apis) = processes(&redis, [&[], &[], &[]]).await;
    let customer = Customer::made_by(&apis[0], Plan::Enterprise).await;
    let path = format!("/v1/clients/{}", customer.id);
    assert_eq!(apis[0].patch(&path, &json!({ "limits": { "concurrent": 5 } })).await.status, 200);
    let mut held = vec![];
    for n in [0, 0, 0, 1, 1] {
        held.push(hold(&customer.api.at(&apis[n])).await);
    }
    until("five are under way", async || redis.places(customer.id).await == 5).await;
    servers[0].kill_server();
    let third = customer.api.at(&apis[2]);
    assert_eq!(third.get("/v1/health").await.data()["policy"], "concurrency");
    until("somebody is let in", async || third.get("/v1/health").await.status == 200).await;
    // Of the living one, which is as old, they are kept.
    until("only the living hold places", async || {
        // Who asks sweeps away what nobody keeps any more.
        assert_eq!(third.get("/v1/health").await.status, 200);
        redis.places(customer.id).await == 2
    })
    .await;
    for answered in held.drain(3..) {
        assert!(let_go(answered).await.starts_with("HTTP/1.1 400 "));
    }
    until("no request is under way", async || redis.places(customer.id).await == 0).await;
}
