//! A server in a process of its own, which tests can kill.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::start;

/// Set for the process of [`a_server_that_others_kill`]: its data directory.
const SERVER_DIR: &str = "MOBID_TEST_SERVER_DIR";

/// Not a test: the server that others kill, run by them in a process of its own.
#[tokio::test]
#[ignore = "the other tests start it as a process of its own"]
async fn a_server_that_others_kill() {
    let Some(dir) = std::env::var_os(SERVER_DIR) else { return };
    let postgres = start(Path::new(&dir)).await;
    println!("up: {}", postgres.url());
    std::future::pending::<()>().await;
}

/// A server in a process of its own. A kill leaves its database behind, as a real one would.
pub struct Server(pub Child);

impl Server {
    pub fn start(data_dir: &Path) -> Self {
        Self::of(&mut server_command(&std::env::current_exe().unwrap(), data_dir))
    }

    pub fn of(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Waits till it is up.
    pub fn url(&mut self) -> String {
        BufReader::new(self.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("up: ")?.1.to_owned()))
            .expect("the server should come up")
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dead already is fine; alive it would keep the runner's pipes open.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn server_command(program: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "embedded_postgres::server::a_server_that_others_kill", "--ignored", "--nocapture"])
        .env(SERVER_DIR, data_dir)
        .stdout(Stdio::piped());
    command
}
