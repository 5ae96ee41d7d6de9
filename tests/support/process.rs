//! The server as a process of its own, on its own embedded Postgres, that can be killed like one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::client::Api;
use super::free_port;

/// How long a start may take, crash recovery included.
const START: Duration = Duration::from_secs(90);

pub struct ServerProcess {
    child: Option<Child>,
    pub data_dir: PathBuf,
    pub port: u16,
    program: PathBuf,
    variables: Vec<(String, String)>,
}

impl ServerProcess {
    /// A server that has not started yet, with these `MOBID_…` variables on top of a try-out's.
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let data_dir = std::env::temp_dir().join(format!("mobid-process-{}", mobid::ids::new_id().simple()));
        fs::create_dir_all(&data_dir).unwrap();
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_mobid"));
        Self { child: None, data_dir, port: free_port(), program, variables }
    }

    /// Runs another build of the server.
    #[must_use]
    pub fn of(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// With one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .current_dir(&self.data_dir)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .env("MOBID_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("MOBID_ADMIN_LISTEN", "off")
            .env("MOBID_PUBLIC_URL", format!("http://localhost:{}", self.port))
            .env("MOBID_DATA_DIR", &self.data_dir)
            .env("MOBID_WEBHOOK_ALLOW_PRIVATE", "true")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log));
        command
    }

    /// Everything that the process has written, over all its starts.
    pub fn log_path(&self) -> PathBuf {
        self.data_dir.join("server.log")
    }

    /// One of several over a database that was there before.
    pub fn over(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let shared = [
            ("DATABASE_URL", database_url),
            ("MOBID_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ("MOBID_PUBLIC_URL", "http://localhost:8080"),
        ];
        Self::new(&[&shared, variables].concat())
    }

    /// Starts it and returns once it is ready.
    pub async fn start(&mut self) {
        self.try_start().await.unwrap();
    }

    /// The same, with why it is not.
    pub async fn try_start(&mut self) -> Result<(), String> {
        self.child = Some(self.command().spawn().unwrap());
        let ready = tokio::time::timeout(START, async {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("http://127.0.0.1:{}/health/ready", self.port);
            let mut look = tokio::time::interval(Duration::from_millis(50));
            loop {
                look.tick().await;
                if let Some(ended) = self.ended() {
                    return Err(format!("the server ended with {ended}: {}", self.log_tail()));
                }
                let asked = http.get(&url).timeout(Duration::from_secs(5)).send().await;
                if asked.is_ok_and(|response| response.status().is_success()) {
                    return Ok(());
                }
            }
        });
        ready.await.unwrap_or_else(|_| Err(format!("the server did not get ready: {}", self.log_tail())))
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().unwrap()
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// STOP or CONT to the server.
    pub fn signal(&self, name: &str) {
        signal(&self.child.as_ref().unwrap().id().to_string(), name);
    }

    /// With the owner's key.
    pub fn api(&self) -> Api {
        let key = fs::read_to_string(self.data_dir.join("owner.key")).unwrap();
        Api::new(format!("http://localhost:{}", self.port), key.trim().to_owned())
    }

    /// SIGKILL to the server alone.
    pub fn kill_server(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM to the server; returns once it has ended, with whether it ended well.
    pub async fn terminate(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return false };
        signal(&child.id().to_string(), "TERM");
        tokio::task::spawn_blocking(move || child.wait().unwrap().success()).await.unwrap()
    }

    /// SIGKILL to the database's postmaster.
    pub fn kill_database(&self) {
        signal(&self.postmaster(), "KILL");
    }

    fn postmaster(&self) -> String {
        let file = fs::read_to_string(self.data_dir.join("postgres/postmaster.pid")).unwrap_or_default();
        file.lines().next().unwrap_or_default().to_owned()
    }

    /// As a libpq URL, for the server's own role.
    pub fn database_url(&self) -> String {
        let socket = self.data_dir.join("socket");
        format!("postgres://mobid@{}/mobid", socket.display().to_string().replace('/', "%2F"))
    }

    /// A pool on its database, once the database answers.
    pub async fn pool(&self) -> PgPool {
        let options: PgConnectOptions = self.database_url().parse().unwrap();
        let answered = tokio::time::timeout(START, async {
            let mut look = tokio::time::interval(Duration::from_millis(50));
            loop {
                look.tick().await;
                if let Ok(conn) = options.connect().await {
                    conn.close().await.unwrap();
                    return;
                }
            }
        });
        answered.await.expect("the database does not answer");
        PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
    }

    /// The auditor's tool finds nothing in its log and its rows.
    pub fn verify_log(&self) {
        let verified = Command::new(sibling_program("replay-tool"))
            .args(["--database-url", &self.database_url(), "verify"])
            .output()
            .unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill_server();
        let postmaster = self.postmaster();
        if !postmaster.is_empty() {
            signal(&postmaster, "QUIT");
        }
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.data_dir.display());
        } else {
            let _ = fs::remove_dir_all(&self.data_dir);
        }
    }
}

/// Sends a signal through the shell's own `kill`, which every machine has.
pub fn signal(pid: &str, name: &str) {
    let _ = Command::new("sh").args(["-c", &format!("kill -s {name} {pid}")]).stderr(Stdio::null()).status();
}

/// A program of this workspace, built beside the tests.
pub fn sibling_program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf).join(name);
    assert!(program.exists(), "{} is not built: cargo build --workspace", program.display());
    program
}
