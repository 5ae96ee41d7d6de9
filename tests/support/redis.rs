//! A Redis of a test's own, on a socket and behind a password, that can be killed, paused and started again.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::time::{interval, timeout};

use super::process::signal;

const PASSWORD: &str = "leak-me-redis-4711";
const START: Duration = Duration::from_secs(30);

pub struct Redis {
    child: Option<Child>,
    directory: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut redis = Self::not_yet();
        redis.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        redis.start_again().await;
        redis
    }

    /// Not started yet.
    pub fn not_yet() -> Self {
        let name = format!("mobid-redis-{}", mobid::ids::new_id().simple());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        Self { child: None, directory, arguments: vec![] }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    pub fn url_with(&self, password: &str) -> String {
        format!("unix://{}?pass={password}", self.socket().display())
    }

    pub fn password() -> &'static str {
        PASSWORD
    }

    /// With nothing in it; returns once it answers.
    pub async fn start_again(&mut self) {
        let log = File::options().create(true).append(true).open(self.directory.join("log")).unwrap();
        let program = std::env::var_os("MOBID_TEST_REDIS").unwrap_or_else(|| "redis-server".into());
        let child = Command::new(&program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--requirepass", PASSWORD])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(&self.directory)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!("{}: {error} (Debian: redis-server; ./test installs it)", program.display())
        }));
        let answers = async {
            let mut look = interval(Duration::from_millis(20));
            while self.try_connection().await.is_err() {
                look.tick().await;
            }
        };
        timeout(START, answers).await.expect("Redis does not start");
    }

    async fn try_connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        let mut connection = redis::Client::open(self.url())?.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(connection)
    }

    pub async fn connection(&self) -> MultiplexedConnection {
        self.try_connection().await.unwrap()
    }

    /// How many requests of a client are under way, over all instances.
    pub async fn places(&self, client: impl std::fmt::Display) -> u32 {
        let key = format!("mobid:limits:{{{client}}}:leases");
        redis::cmd("ZCARD").arg(key).query_async(&mut self.connection().await).await.unwrap()
    }

    /// How many scripts were run.
    pub async fn scripts_run(&self) -> u64 {
        let info = redis::cmd("INFO").arg("commandstats").to_owned();
        let info: String = info.query_async(&mut self.connection().await).await.unwrap();
        let calls = info.split("cmdstat_evalsha:calls=").nth(1).unwrap_or("0");
        calls.split(',').next().unwrap().parse().unwrap()
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// STOP or CONT.
    pub fn signal(&self, name: &str) {
        signal(&self.child.as_ref().unwrap().id().to_string(), name);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
