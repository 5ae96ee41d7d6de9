//! From the moment that an append is acknowledged to the moment that the read model has it, at half of the rate that
//! the server can take.
//!
//! The server runs in this process, so that both moments are seen by one clock: beside the paced POSTs a consent is
//! created every few milliseconds, straight through its event store, and its position is awaited at the follower.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mobid::app::App;
use mobid::clock::Clock;
use mobid::config::{AdminListen, Config};
use mobid::event_store::Terms;
use mobid::server::Server;
use mobid::vault::MasterKey;
use mobid_domain::consent::Consent;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::drive::percentile;
use crate::figures::Figure;
use crate::http::{CONNECTIONS, post};
use crate::load::{Plan, load};
use crate::process::MASTER_KEY;
use crate::sample::{Sample, consent_id};

const SECTION: &str = "visible";
const BETWEEN_PROBES: Duration = Duration::from_millis(5);

pub async fn run(bench: &Bench) -> Result<()> {
    let pool = bench.cluster.product("bench_visible").await?;
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        admin_listen: AdminListen::Off,
        data_dir: bench.cluster.dir().join("server-bench_visible"),
        ..Config::default()
    };
    let master = MasterKey::from_base64(MASTER_KEY)?;
    let server = Server::start(config, Clock::system(), pool.clone(), master, None).await?;
    let key = server.new_owner_key.as_ref().context("a new database gets an owner")?.reveal().to_owned();
    let plan = Plan {
        address: server.address,
        connections: CONNECTIONS,
        warm_up: bench.settings.warm_up(),
        turn: bench.settings.turn(),
        pace: None,
    };
    let request = move |_| post(&key, 1_234_567_890);
    let (mut p50, mut p99, mut kept) = (vec![], vec![], vec![]);
    for _ in 0..bench.settings.rounds() {
        let most = load(plan.clone(), request.clone()).await?.rate;
        // What the full load left behind is not to count for the half.
        catch_up(&server.app).await?;
        let half = Plan { pace: Some(most / 2.0), turn: plan.turn * 2, ..plan.clone() };
        let probing = tokio::spawn(probe(server.app.clone(), half.warm_up, half.turn));
        let driven = load(half, request.clone()).await?;
        let latencies = probing.await??;
        let milliseconds = |per_cent| percentile(&latencies, per_cent).as_secs_f64() * 1e3;
        p50.push(milliseconds(50));
        p99.push(milliseconds(99));
        kept.push(driven.rate / most);
    }
    server.stop().await?;
    bench.results.add(Figure::plain(SECTION, "load, as a part of the maximum", "of 1", &kept))?;
    bench.results.add(Figure::plain(SECTION, "commit to visible, p50", "ms", &p50))?;
    bench.results.add(Figure::plain(SECTION, "commit to visible, p99", "ms", &p99))
}

async fn catch_up(app: &App) -> Result<()> {
    let head = app.keys.heads.read().await?.log;
    for follower in app.followers.all() {
        app.followers.wait_for(&app.pool, follower.name, head, Duration::from_mins(1)).await?;
    }
    Ok(())
}

/// Sorted latencies of consents that are created one after the other begins.
async fn probe(app: App, warm_up: Duration, turn: Duration) -> Result<Vec<Duration>> {
    let sample = std::sync::Arc::new(Sample::new()?);
    tokio::time::sleep(warm_up).await;
    let (began, mut due) = (Instant::now(), tokio::time::interval(BETWEEN_PROBES));
    let mut probes = JoinSet::new();
    while began.elapsed() < turn {
        due.tick().await;
        let (app, sample) = (app.clone(), sample.clone());
        probes.spawn(async move {
            let mut follower = app.followers.named("consents").context("it runs here")?.position.clone();
            let terms = Terms { new: true, ..Terms::default() };
            let executed = app
                .store
                .execute::<Consent>(&consent_id(), sample.create(), &sample.context(), terms)
                .await?;
            let acknowledged = Instant::now();
            let position = executed.appended.context("a create appends")?.position;
            follower.wait_for(|at| *at >= position).await?;
            anyhow::Ok(acknowledged.elapsed())
        });
    }
    let mut latencies = Vec::new();
    while let Some(probe) = probes.join_next().await {
        latencies.push(probe??);
    }
    latencies.sort_unstable();
    Ok(latencies)
}
