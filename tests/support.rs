//! A mobid of one's own for each test: own database, own clock, own port, the real server in this process.

pub mod authenticator;
mod client;
pub mod enrollee;
pub mod login;
pub mod mail_sink;
mod postgres;
pub mod process;
pub mod proxy;
mod raw_log;
pub mod receiver;
mod recipient;
pub mod redis;
pub mod tap;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mobid::app::App;
use mobid::clock::Clock;
use mobid::config::{AdminListen, Config};
use mobid::database;
use mobid::server::Server;
use mobid::vault::MasterKey;
use mobid_domain::client::Permission;
use mobid_projections::stream::lease::Lease;
use serde_json::{Value, json};
use sqlx::PgPool;

pub use client::{Api, Reply};
pub use postgres::{admin_pool, fresh_database};
pub use raw_log::{RawEvent, append_raw, is_legible};
pub use recipient::{Decided, approve, decide, passkey};

/// The recipient of the reference's curl.
pub const RECIPIENT: &str = "+1234567890";

pub struct TestApp {
    server: Option<Server>,
    pub app: App,
    pub api: Api,
    database: String,
    data_dir: PathBuf,
}

/// The body of the reference's curl.
pub fn reference_body() -> Value {
    json!({
        "recipient": RECIPIENT,
        "purpose": "identity_verification",
        "scope": ["name", "email", "phone"],
        "callbackUrl": "https://yourapp.com/callback",
    })
}

#[expect(clippy::disallowed_methods, reason = "a manual clock starts somewhere")]
fn today() -> DateTime<Utc> {
    Utc::now()
}

/// Messages in a data directory's outbox, oldest first.
pub fn outbox(data_dir: &Path) -> Vec<Value> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("outbox")) else { return vec![] };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl TestApp {
    /// A server with a clock that stands still, which may deliver to loopback.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(fresh_database().await, Clock::manual(today()), change).await
    }

    /// A server whose own sweeps for expired consents never come, for as long as the lease is held.
    pub async fn start_unswept() -> (Self, Lease) {
        let database = fresh_database().await;
        let options = database::parse(&database).unwrap();
        let lease = Lease::try_take(&options, "expiry").await.unwrap().unwrap();
        (Self::start_on(database, Clock::manual(today()), |_| {}).await, lease)
    }

    /// A second server over the same database, by the same clock. Its `api` speaks as the first one's owner.
    pub async fn twin(&self) -> Self {
        let ours = &self.app.config;
        let same = |config: &mut Config| {
            config.public_url = ours.public_url.clone();
            config.redis_url.clone_from(&ours.redis_url);
            config.redis_timeout_milliseconds = ours.redis_timeout_milliseconds;
        };
        let mut twin = Self::start_on(self.database_url(), self.clock().clone(), same).await;
        twin.api = self.api.at(&twin.api);
        twin
    }

    /// Another server over a database that one may have.
    pub async fn start_on(database: String, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let data_dir = std::env::temp_dir().join(format!("mobid-test-{}", mobid::ids::new_id()));
        let port = free_port();
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            admin_listen: AdminListen::Off,
            public_url: format!("http://localhost:{port}").parse().unwrap(),
            data_dir: data_dir.clone(),
            webhook_allow_private: true,
            ..Config::default()
        };
        change(&mut config);
        config.check().unwrap();
        let options = database::parse(&database).unwrap();
        let pool = database::connect(options, 10).await.unwrap();
        let master = MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let server = Server::start(config, clock, pool, master, None).await.unwrap();
        let app = server.app.clone();
        let key = match &server.new_owner_key {
            Some(key) => key.reveal().to_owned(),
            None => String::new(),
        };
        let api = Api::new(format!("http://localhost:{}", server.address.port()), key);
        Self { server: Some(server), app, api, database, data_dir }
    }

    /// `http://localhost:port`, which is also the public URL.
    pub fn url(&self, path: &str) -> String {
        self.api.url(path)
    }

    /// Of metrics and detailed health, where the configuration has them served.
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.as_ref().unwrap().admin_address.unwrap())
    }

    pub fn pool(&self) -> &PgPool {
        &self.app.pool
    }

    /// As a libpq URL.
    pub fn database_url(&self) -> String {
        self.database.clone()
    }

    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    pub fn advance(&self, by: TimeDelta) {
        self.app.clock.advance(by);
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Messages that went out through the outbox, oldest first.
    pub fn outbox(&self) -> Vec<Value> {
        // What was answered first and is sent afterwards is there, too.
        while self.app.errands.under_way() > 0 {
            std::thread::yield_now();
        }
        outbox(&self.data_dir)
    }

    /// A pending consent like the reference's; its id.
    pub async fn create_consent(&self) -> String {
        self.create_consent_with(json!({})).await
    }

    /// The same with some fields changed.
    pub async fn create_consent_with(&self, changes: Value) -> String {
        let mut body = reference_body();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reply = self.api.post("/v1/service/consents/search", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["data"]["id"].as_str().unwrap().to_owned()
    }

    /// Another client, with these permissions.
    pub async fn client_with(&self, permissions: &[Permission]) -> Api {
        let body = json!({ "name": "Another", "plan": "enterprise", "permissions": permissions });
        let reply = self.api.post("/v1/clients", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        Api::new(self.api.url(""), reply.data()["apiKey"].as_str().unwrap().to_owned())
    }

    /// Another client that may do everything.
    pub async fn other_client(&self) -> Api {
        self.client_with(Permission::ALL).await
    }

    /// Waits until every follower has applied what is in the log now.
    pub async fn caught_up(&self) {
        let head = mobid_projections::stream::reader::head(self.pool()).await.unwrap();
        for progress in self.app.followers.all() {
            let wait = self.app.followers.wait_for(self.pool(), progress.name, head, Duration::from_secs(30));
            let reached = wait.await.unwrap();
            assert!(reached >= head, "{} reached {reached} of {head}", progress.name);
        }
    }

    /// How often something happened, to whomever.
    pub async fn count(&self, event_type: &str) -> i64 {
        sqlx::query_scalar("select count(*) from events where event_type = $1")
            .bind(event_type)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// The same to one of them.
    pub async fn count_of(&self, event_type: &str, aggregate_id: &str) -> i64 {
        sqlx::query_scalar("select count(*) from events where event_type = $1 and aggregate_id = $2")
            .bind(event_type)
            .bind(aggregate_id)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// Begins to drain, and has the time for it behind it.
    pub async fn drain(&self) {
        self.server.as_ref().unwrap().drain().await;
    }

    /// Stops as SIGTERM would.
    pub async fn stop(mut self) {
        self.server.take().unwrap().stop().await.unwrap();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}
