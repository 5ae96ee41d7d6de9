//! Instances are replaced one after the other, under load: nobody is turned away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::json;

use super::balancer::Balancer;
use crate::support::process::ServerProcess;
use crate::support::{Api, fresh_database, reference_body};

/// Clients at a time.
const CLIENTS: usize = 8;

/// Sends each request once, and takes only a normal answer for one; answers how many it got.
async fn use_it(api: Api, stop: Arc<AtomicBool>, answers: Arc<AtomicUsize>) {
    let mut body = reference_body();
    body["callbackUrl"] = json!(null);
    while !stop.load(Ordering::Relaxed) {
        let created = api.post("/v1/service/consents/search", &body).await;
        assert_eq!(created.status, 200, "{}", created.text);
        let path = format!("/v1/service/consents/{}", created.id());
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::GET, format!("{path}?wait=1")),
            (Method::DELETE, path.clone()),
            (Method::GET, path.clone()),
        ] {
            let reply = crate::support::Reply::of(api.request(method, &path)).await;
            assert_eq!((reply.status, reply.id()), (200, created.id()), "{}", reply.text);
        }
        answers.fetch_add(5, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_drops_no_request() {
    let database = fresh_database().await;
    let mut servers: Vec<_> =
        (0..3).map(|_| ServerProcess::over(&database, &[("MOBID_DRAIN_SECONDS", "1")])).collect();
    for server in &mut servers {
        server.start().await;
    }
    let urls: Vec<_> = servers.iter().map(ServerProcess::url).collect();
    let balancer = Balancer::before(&urls).await;
    let api = servers[0].api().at(&Api::new(balancer.url.clone(), String::new()));
    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(use_it(api.clone(), stop.clone(), answers.clone()));
    }
    for (n, server) in servers.iter_mut().enumerate() {
        assert!(server.terminate().await, "it ended well");
        balancer.sees(n, false).await;
        let (served, before) = (balancer.served()[n], answers.load(Ordering::Relaxed));
        server.start().await;
        balancer.sees(n, true).await;
        let more = tokio::time::timeout(std::time::Duration::from_mins(1), async {
            let mut look = tokio::time::interval(std::time::Duration::from_millis(10));
            while balancer.served()[n] < served + 10 || answers.load(Ordering::Relaxed) < before + 50 {
                look.tick().await;
                assert!(clients.try_join_next().is_none(), "a client was turned away");
            }
        });
        more.await.expect("the new one gets requests");
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}
