//! A Redis of the bench's own, on a socket, that keeps nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

pub struct Redis {
    child: Child,
    socket: PathBuf,
}

impl Redis {
    pub fn start(dir: &Path) -> Result<Self> {
        let program = std::env::var_os("MOBID_TEST_REDIS").unwrap_or_else(|| "redis-server".into());
        let socket = dir.join("redis");
        let child = Command::new(&program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} (`eval \"$(.ci/install redis)\"` finds one)", program.display()))?;
        let this = Self { child, socket };
        let began = Instant::now();
        while let Err(error) = this.ping() {
            ensure!(began.elapsed() < Duration::from_secs(30), "Redis does not answer: {error}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(this)
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    fn ping(&self) -> redis::RedisResult<()> {
        redis::cmd("PING").query(&mut redis::Client::open(self.url())?.get_connection()?)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
