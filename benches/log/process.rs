//! Servers and tools as processes of their own, so that their memory is theirs and they compete as they would.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::Bench;
use crate::cluster::field;
use crate::load::Connection;

/// Whatever key: it seals nothing that outlives the run.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A process that serves HTTP.
pub struct Serving {
    child: Child,
    pub address: SocketAddr,
    /// From its start to its first ready answer.
    pub started_in: Duration,
    data_dir: PathBuf,
}

/// Memory of one process, in bytes.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    pub now: u64,
    pub most: u64,
}

impl Serving {
    /// `mobid serve`, as it is installed, on one of our databases.
    pub async fn mobid(bench: &Bench, database: &str) -> Result<Self> {
        Self::mobid_with(bench, database, &[]).await
    }

    /// With settings of its own.
    pub async fn mobid_with(bench: &Bench, database: &str, settings: &[(&str, String)]) -> Result<Self> {
        let data_dir = bench.cluster.dir().join(format!("server-{database}"));
        fs::create_dir_all(&data_dir)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mobid"));
        command
            .arg("serve")
            .current_dir(&data_dir)
            .env("DATABASE_URL", bench.cluster.url(database))
            .env("MOBID_MASTER_KEY", MASTER_KEY)
            .env("MOBID_LISTEN", "127.0.0.1:0")
            .env("MOBID_ADMIN_LISTEN", "off")
            .env("MOBID_DATA_DIR", &data_dir)
            .env("MOBID_WEBHOOK_ALLOW_PRIVATE", "true")
            .envs(settings.iter().map(|(name, value)| (name, value)));
        Self::start(command, data_dir).await
    }

    /// This program as another contestant (`contestant.rs`).
    pub async fn contestant(bench: &Bench, name: &str, database: &str, more: &[String]) -> Result<Self> {
        let data_dir = bench.cluster.dir().join(format!("server-{database}"));
        fs::create_dir_all(&data_dir)?;
        let mut command = contestant(bench, name, database)?;
        command.args(more).current_dir(&data_dir);
        Self::start(command, data_dir).await
    }

    async fn start(mut command: Command, data_dir: PathBuf) -> Result<Self> {
        let log = data_dir.join("server.log");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let began = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let stdout = child.stdout.take().context("its stdout is a pipe")?;
        let (found, named) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            let address = lines.find_map(|line| line.ok()?.rsplit_once("http://")?.1.parse().ok());
            // Whoever asked may have given up.
            let _ = found.send(address);
            // It may say more, and would fail to if nobody read on.
            lines.for_each(drop);
        });
        let address: Option<SocketAddr> = named.await?;
        let address = address.with_context(|| format!("it did not start: {}", tail(&log)))?;
        let mut this = Self { child, address, started_in: Duration::ZERO, data_dir };
        let mut connection = Connection::open(address).await?;
        while connection.send(&get("/health/ready", "")).await?.status != 200 {
            ensure!(began.elapsed() < Duration::from_mins(2), "it did not get ready: {}", tail(&log));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        this.started_in = began.elapsed();
        Ok(this)
    }

    /// The key that its first start made.
    pub fn owner_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.data_dir.join("owner.key"))?.trim().to_owned())
    }

    pub fn memory(&self) -> Memory {
        memory_of(self.child.id())
    }

    /// As an operator would.
    pub async fn stop(mut self) -> Result<()> {
        terminate(&self.child)?;
        let mut child = std::mem::replace(&mut self.child, Command::new("true").spawn()?);
        tokio::task::spawn_blocking(move || child.wait()).await??;
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already after `stop`; after an error nobody else ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A GET with a key.
pub fn get(path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Mobid-Key: {key}\r\n\r\n").into_bytes()
}

/// This very program as a contestant.
pub fn contestant(bench: &Bench, name: &str, database: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["contestant", name, "--database-url", &bench.cluster.url(database)]);
    Ok(command)
}

/// Runs a program to its end and watches its memory; what it wrote to stdout.
pub async fn watched(mut command: Command) -> Result<(Duration, Memory, String)> {
    tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdout = child.stdout.take().context("its stdout is a pipe")?;
        let reading = std::thread::spawn(move || std::io::read_to_string(&mut stdout));
        let mut stderr = child.stderr.take().context("its stderr is a pipe")?;
        let complaints = std::thread::spawn(move || std::io::read_to_string(&mut stderr));
        let mut memory = Memory::default();
        let status: ExitStatus = loop {
            let seen = memory_of(child.id());
            memory = Memory { now: seen.now, most: memory.most.max(seen.most) };
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let elapsed = began.elapsed();
        let joined = |thread: std::thread::JoinHandle<std::io::Result<String>>| {
            thread.join().map_err(|_| anyhow::anyhow!("reading its output failed"))
        };
        let (stdout, stderr) = (joined(reading)??, joined(complaints)??);
        ensure!(status.success(), "{command:?} ended with {status}: {stderr}{stdout}");
        Ok((elapsed, memory, stdout))
    })
    .await?
}

fn memory_of(pid: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let bytes = |name| field(&status, name).unwrap_or(0) * 1024;
    Memory { now: bytes("VmRSS:"), most: bytes("VmHWM:") }
}

fn terminate(child: &Child) -> Result<()> {
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
