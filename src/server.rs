//! The server from start to stop: database, owner, workers, listeners, drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use mobid_projections::registry;
use mobid_projections::stream::progress::Followers;
use mobid_projections::stream::runner::Runner;
use mobid_projections::stream::wake::Wake;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{AdminListen, Config};
use crate::embedded_postgres::{EmbeddedPostgres, Settings};
use crate::http::authentication::ApiKey;
use crate::http::connections::{Bounds, serve};
use crate::http::{router, security};
use crate::vault::MasterKey;
use crate::webauthn::RelyingParty;
use crate::workers::Workers;
use crate::{api, database, key_file, owner, telemetry};

/// How long the pool's connections may take to be given back once everything has stopped.
const CLOSE: Duration = Duration::from_secs(5);
/// Connections that are given out to whoever needs one now and then. Beside them are those of followers and rounds, the
/// appender's two, and one a lease: fewer than forty, and eight more while a disk is slow.
const POOL: u32 = 30;

/// A database, ours or somebody else's.
pub struct Database {
    pub pool: PgPool,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// Connects, starting the embedded Postgres if there is no `DATABASE_URL`.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            let pool = database::connect(database::parse(url)?, POOL).await?;
            return Ok(Self { pool, embedded: None });
        }
        let settings = Settings { data_dir: config.data_dir.clone(), binaries: config.postgres_bin.clone() };
        let embedded = EmbeddedPostgres::start(&settings).await?;
        let pool = database::connect(embedded.connect_options(), POOL).await?;
        Ok(Self { pool, embedded: Some(embedded) })
    }

    pub async fn close(self) -> anyhow::Result<()> {
        // A connection that is still in use then is not worth an unclean end of the database.
        let _ = tokio::time::timeout(CLOSE, self.pool.close()).await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}

/// The master key: given, or with the embedded database from its file, which the first start makes.
pub fn master_key(config: &Config) -> anyhow::Result<MasterKey> {
    if let Some(text) = &config.master_key {
        return Ok(MasterKey::from_base64(text)?);
    }
    if config.database_url.is_some() {
        bail!(
            "MOBID_MASTER_KEY is required with DATABASE_URL: 32 random bytes in base64 (openssl rand -base64 32)"
        );
    }
    let path = config.data_dir.join("master.key");
    key_file::write_new(&path, &MasterKey::random().to_base64())?;
    let text = key_file::read(&path)?.with_context(|| format!("{} is gone", path.display()))?;
    MasterKey::from_base64(&text).with_context(|| path.display().to_string())
}

/// A server that answers.
pub struct Server {
    pub app: App,
    pub address: SocketAddr,
    pub admin_address: Option<SocketAddr>,
    /// Set if the owner was made by this start.
    pub new_owner_key: Option<ApiKey>,
    workers: Workers,
    listeners: tokio::task::JoinSet<()>,
    drain: watch::Sender<bool>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Starts everything over a database whose schema is up to date.
    pub async fn start(
        config: Config,
        clock: Clock,
        pool: PgPool,
        master: MasterKey,
        metrics: Option<PrometheusHandle>,
    ) -> anyhow::Result<Self> {
        let wake = Wake::default();
        let (runners, progress): (Vec<_>, Vec<_>) = registry::followers(crate::ids::new_id)
            .into_iter()
            .map(|follower| Runner::new(pool.clone(), follower, &wake))
            .unzip();
        let (drain, draining) = watch::channel(false);
        let (stop, stopping) = watch::channel(false);
        let listener =
            TcpListener::bind(config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let phases = (draining, stopping.clone());
        let app = App::new(config, clock, pool, master, wake, Followers::new(progress), phases)?;
        app.limiter.ready().await;
        app.vault.check_master_key().await?;
        if RelyingParty::hosted(&app.config, "").is_err() {
            tracing::warn!(
                public_url = %app.config.public_url,
                "passkeys cannot be used on the hosted pages: browsers keep them for names, and MOBID_PUBLIC_URL has none"
            );
        }
        let new_owner_key = owner::ensure(&app).await?;
        for runner in &runners {
            runner.take_place().await?;
        }
        let workers = Workers::start(&app, runners, &stopping).await?;
        if let Some(metrics) = metrics.clone() {
            tokio::spawn(telemetry::keep_small(metrics, stopping.clone()));
        }
        let bounds = Bounds::of(&app.config);
        let mut listeners = tokio::task::JoinSet::new();
        let mut admin_address = None;
        if let AdminListen::At(at) = app.config.admin_listen {
            let admin = TcpListener::bind(at).await.with_context(|| format!("listen on {at}"))?;
            admin_address = Some(admin.local_addr()?);
            listeners.spawn(serve(admin, admin_routes(&app, metrics), bounds, stopping.clone()));
        }
        listeners.spawn(serve(listener, router::public(&app), bounds, stopping));
        Ok(Self { app, address, admin_address, new_owner_key, workers, listeners, drain, stop })
    }

    /// Says that it is not ready any more, and goes on serving until whoever sends requests here had time to notice.
    pub async fn drain(&self) {
        self.drain.send_replace(true);
        let notice = Duration::from_secs(self.app.config.drain_seconds);
        // A time-out is what it is for; a stop ends it.
        let _ = tokio::time::timeout(notice, self.app.stopping.clone().wait_for(|stopping| *stopping)).await;
    }

    /// Stops taking requests, answers those under way, sends what they promised, and lets the workers finish what they have begun.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.drain.send_replace(true);
        self.stop.send_replace(true);
        while let Some(ended) = self.listeners.join_next().await {
            ended?;
        }
        // Whoever was told that a message is on its way gets it.
        self.app.errands.finish().await;
        self.workers.finish().await;
        Ok(())
    }
}

fn admin_routes(app: &App, metrics: Option<PrometheusHandle>) -> Router {
    let metrics = Arc::new(metrics);
    let render = move || {
        let metrics = metrics.clone();
        async move { metrics.as_ref().as_ref().map(PrometheusHandle::render).unwrap_or_default() }
    };
    Router::new()
        .route("/metrics", get(render))
        .route("/health/live", get(api::health::live))
        .route("/health/ready", get(api::health::ready))
        .route("/health/detail", get(api::health::detail))
        .layer(map_response(|mut response: Response| async {
            // It is reached by itself, not by the public URL.
            security::add(response.headers_mut(), false);
            response
        }))
        .with_state(app.clone())
}
