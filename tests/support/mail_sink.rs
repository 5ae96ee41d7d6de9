//! A mail server of the tests' own, in another language than the client.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub struct MailSink {
    pub port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    directory: tempfile::TempDir,
    _stdin: ChildStdin,
    _child: Child,
}

impl MailSink {
    /// As `tests/python/mail_sink.py` says.
    pub async fn start(mode: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let python = std::env::var_os("MOBID_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/mail_sink.py"))
            .args([mode, directory.path().to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python cannot be run: run ./test, or set MOBID_TEST_PYTHON");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("the mail server starts").parse().unwrap();
        Self { port, lines, directory, _stdin: child.stdin.take().unwrap(), _child: child }
    }

    /// The certificate of who signed its own.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The next message that it takes.
    pub async fn message(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("a mail").unwrap().unwrap()).unwrap()
    }

    /// Whether one has come that nobody asked about.
    pub async fn has_more(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(300), self.lines.next_line()).await.is_ok()
    }
}
