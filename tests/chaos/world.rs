//! Two servers over one Postgres on a small disk, a subscriber, and a proxy on every way between them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mobid::embedded_postgres::{EmbeddedPostgres, Settings};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};
use tokio::sync::Mutex;

use super::disk::Disk;
use super::plan::Orders;
use super::receiver::MoodyReceiver;
use super::wrong_clock::{self, WrongClock};
use crate::support::Api;
use crate::support::process::ServerProcess;
use crate::support::proxy::{Proxy, Upstream, socket_of, through_proxy};

/// Seconds before the attempts of a delivery: many, as receivers here have many bad days.
const ATTEMPTS: usize = 2_000;

/// One server and the ways to and from it.
pub struct Instance {
    pub process: Mutex<ServerProcess>,
    pub clock: WrongClock,
    /// Between it and the database.
    pub behind: Proxy,
    /// Between clients and it.
    pub front: Proxy,
    pub data_dir: PathBuf,
}

pub struct World {
    pub instances: [Instance; 2],
    pub receiver: MoodyReceiver,
    /// Between senders and the receiver.
    pub to_receiver: Proxy,
    pub disk: Disk,
    pub database_clock: WrongClock,
    database: Option<EmbeddedPostgres>,
    database_url: String,
    dir: PathBuf,
}

impl World {
    pub async fn make(orders: &Orders) -> Self {
        let dir = std::env::temp_dir().join(format!("mobid-chaos-{}", mobid::ids::new_id().simple()));
        fs::create_dir_all(&dir).unwrap();
        // A cluster, its WAL, and what a run writes.
        let disk = Disk::take(dir.join("disk"), 768 + orders.seconds);
        // What Postgres has to say of a full disk must go somewhere.
        symlink(dir.join("postgres.log"), disk.path().join("postgres.log")).unwrap();
        let database_clock = WrongClock::new(dir.join("database.clock"));
        let settings = Settings {
            data_dir: disk.path().to_owned(),
            binaries: Some(wrong_clock::postgres_with(&database_clock, &dir.join("postgres"))),
        };
        let database = EmbeddedPostgres::start(&settings).await.unwrap();
        let database_url = database.url();
        set_up(&database_url, disk.room()).await;
        let receiver = MoodyReceiver::start().await;
        let to_receiver = Proxy::start(Upstream::Tcp(receiver.address)).await;
        let instances = [instance(&dir, 0, &database_url).await, instance(&dir, 1, &database_url).await];
        Self {
            instances,
            receiver,
            to_receiver,
            disk,
            database_clock,
            database: Some(database),
            database_url,
            dir,
        }
    }

    /// Starts both servers; the owner at each.
    pub async fn start(&self) -> [Api; 2] {
        for instance in &self.instances {
            instance.process.lock().await.start().await;
        }
        let at = |instance: &Instance| format!("http://localhost:{}", instance.front.port);
        let key = fs::read_to_string(self.instances[0].data_dir.join("owner.key")).unwrap();
        let first = Api::new(at(&self.instances[0]), key.trim().to_owned());
        let second = Api::new(at(&self.instances[1]), key.trim().to_owned());
        let made = first.post("/v1/webhooks", &json!({ "url": self.hook("endpoint") })).await;
        assert_eq!(made.status, 200, "{}", made.body);
        [first, second]
    }

    pub fn hook(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.to_receiver.port)
    }

    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Past every proxy, once it answers.
    pub async fn pool(&self) -> PgPool {
        let options: PgConnectOptions = self.database_url.parse().unwrap();
        let mut look = tokio::time::interval(Duration::from_millis(100));
        let answered = tokio::time::timeout(Duration::from_mins(2), async {
            while options.connect().await.is_err() {
                look.tick().await;
            }
        });
        answered.await.expect("the database does not come back");
        PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
    }

    /// Every process of the database.
    pub fn database_processes(&self) -> Vec<(u32, String)> {
        let cluster = self.disk.path().join("postgres");
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
                let works_there = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == cluster);
                let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
                works_there.then(|| (pid, line.trim_end_matches('\0').to_owned()))
            })
            .collect();
        found.sort();
        found
    }

    /// What the processes wrote, by name.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        let server = |n: usize| (format!("server-{n}.log"), self.instances[n].data_dir.join("server.log"));
        vec![server(0), server(1), ("postgres.log".to_owned(), self.dir.join("postgres.log"))]
    }

    /// Whether the database can take what needs room.
    pub async fn has_room(&self) -> bool {
        let options: PgConnectOptions = self.database_url.parse().unwrap();
        let Ok(mut conn) = options.connect().await else { return false };
        let room = conn.execute("create temp table room as select generate_series(1, 50000)").await.is_ok();
        // Gone with its connection.
        let _ = conn.close().await;
        room
    }

    pub async fn stop_database(&mut self) {
        if let Some(database) = self.database.take() {
            database.stop().await.unwrap();
        }
    }
}

/// Has the WAL take no more than a part of the disk.
async fn set_up(url: &str, megabytes: u64) {
    let admin = url.replacen("mobid@", "postgres@", 1);
    let mut conn = admin.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
    let wal = (megabytes / 4).clamp(8, 192);
    for setting in [format!("max_wal_size = '{wal}MB'"), format!("min_wal_size = '{}MB'", (wal / 3).max(2))] {
        conn.execute(format!("alter system set {setting}").as_str()).await.unwrap();
    }
    conn.execute("select pg_reload_conf()").await.unwrap();
    conn.close().await.unwrap();
}

async fn instance(dir: &Path, number: usize, database_url: &str) -> Instance {
    let behind = Proxy::start(Upstream::Unix(socket_of(database_url))).await;
    let clock = WrongClock::new(dir.join(format!("server-{number}.clock")));
    let schedule = format!("[0{}]", ",1".repeat(ATTEMPTS));
    let mut variables = vec![
        ("DATABASE_URL", through_proxy(database_url, behind.port)),
        ("MOBID_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("MOBID_WEBHOOK_SCHEDULE_SECONDS", schedule),
    ];
    variables.extend(clock.variables());
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = ServerProcess::new(&variables);
    if let Some(program) = std::env::var_os("MOBID_TEST_CHAOS_SERVER") {
        process = process.of(program.into());
    }
    let front = Proxy::start(Upstream::Tcp(([127, 0, 0, 1], process.port).into())).await;
    // Forms come from the page's own origin, which is the proxy's.
    let process = process.with("MOBID_PUBLIC_URL", &format!("http://localhost:{}", front.port));
    let data_dir = process.data_dir.clone();
    Instance { process: Mutex::new(process), clock, behind, front, data_dir }
}

impl Drop for World {
    fn drop(&mut self) {
        for (pid, _) in self.database_processes() {
            crate::support::process::signal(&pid.to_string(), "KILL");
            wrong_clock::forget(pid);
        }
        // The disk goes with its field; until then it is in the way.
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.dir.display());
        } else {
            for entry in ["database.clock", "server-0.clock", "server-1.clock", "postgres.log"] {
                let _ = fs::remove_file(self.dir.join(entry));
            }
            let _ = fs::remove_dir_all(self.dir.join("postgres"));
        }
    }
}
