//! The database of a server that was given none.
//!
//! Without `DATABASE_URL` the server runs a real Postgres of its own in the data directory, so that one command
//! starts everything. It promises what a database run by hand would: every commit is on disk before it is
//! acknowledged, pages carry checksums, and a killed server, a killed database, or both, come back at the next
//! start with nothing lost. Only this machine can reach it, over a Unix socket in a directory that belongs to the
//! database's own account.
//!
//! What happens at a start, in this order: one server per data directory (a file lock), an account to run as (never
//! root), binaries of the right version, whatever a killed server left running is stopped, `initdb` where there is
//! no cluster yet, the postmaster, the role and the database. Every step can be cut short by `kill -9`: the next
//! start finishes it.
//!
//! Left to others: schema and migrations, the connection pool, backups, and upgrades between major versions.

mod account;
mod binaries;
mod bootstrap;
mod cluster;
mod config;
mod error;
mod postmaster;
mod processes;
mod socket_dir;
mod supervisor;

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use error::EmbeddedPostgresError;

use account::Account;
use binaries::Binaries;
use cluster::Cluster;
use error::OrAt as _;
use postmaster::Launch;
use socket_dir::SocketDir;
use supervisor::Supervisor;

/// The role and the database that the server uses; the role owns the database and is no superuser.
const NAME: &str = "mobid";

/// Where the database lives and what runs it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's data directory; the cluster is `postgres` in it.
    pub data_dir: PathBuf,
    /// The directory of `initdb` and `postgres`; none searches `PATH` and Debian's places.
    pub binaries: Option<PathBuf>,
}

/// A running Postgres, restarted when it dies. Dropping it stops the database without waiting; [`Self::stop`] waits.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    socket_dir: PathBuf,
    supervisor: Supervisor,
    // Held for the life of the handle: whoever has it may start and stop processes of this data directory.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the database, making it first where there is none, and returns once it answers.
    pub async fn start(settings: &Settings) -> Result<Self, EmbeddedPostgresError> {
        let cluster_dir = settings.data_dir.join("postgres");
        let account = Account::choose(&cluster_dir)?;
        let data_dir = account.prepare_data_dir(&settings.data_dir)?;
        let lock = lock(&data_dir)?;

        let cluster = Cluster::in_data_dir(&data_dir, account);
        let binaries =
            Binaries::find(settings.binaries.as_deref(), cluster.major()?, &cluster.account).await?;
        let socket_dir = SocketDir::prepare(&data_dir, &cluster.account)?;

        let launch = Launch { cluster, binaries, socket_dir: socket_dir.into_path() };
        launch.quiesce().await?;
        launch.cluster.create_if_missing(&launch.binaries).await?;
        let postmaster = launch.start().await?;
        bootstrap::role_and_database(launch.superuser(), NAME).await?;
        tracing::info!(
            data_dir = %data_dir.display(),
            major_version = launch.binaries.major,
            account = launch.cluster.account.name,
            "embedded Postgres is up"
        );

        let socket_dir = launch.socket_dir.clone();
        Ok(Self { socket_dir, supervisor: Supervisor::watch(launch, postmaster), _lock: lock })
    }

    /// How to connect as the server's own role. Good across restarts of the database.
    pub fn connect_options(&self) -> PgConnectOptions {
        socket_options(&self.socket_dir).username(NAME).database(NAME)
    }

    /// The same as a URL that `psql` and sqlx take as `DATABASE_URL`.
    pub fn url(&self) -> String {
        format!("postgres://{NAME}@{}/{NAME}", percent_encoded(&self.socket_dir))
    }

    /// Shuts the database down (fast: transactions in flight are rolled back) and returns when it is down.
    pub async fn stop(self) -> Result<(), EmbeddedPostgresError> {
        self.supervisor.stop().await?;
        // Leaves nothing behind in the temporary directory; while anything is in it, it stays.
        let _ = std::fs::remove_dir(&self.socket_dir);
        Ok(())
    }

    /// Gives the data directory up and lets the database run on with nobody watching it, past the end of this process.
    /// Whoever starts it next stops it first.
    pub async fn leave_running(self) -> Result<(), EmbeddedPostgresError> {
        self.supervisor.leave_running().await
    }
}

/// Connection options that say everything, so that stray `PG…` variables change nothing.
fn socket_options(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(socket_dir).port(config::PORT).ssl_mode(PgSslMode::Disable)
}

fn percent_encoded(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;

    path.as_os_str().as_bytes().iter().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

/// Takes the data directory for this process. The kernel lets go when the process ends, however it ends.
fn lock(data_dir: &Path) -> Result<File, EmbeddedPostgresError> {
    let path = data_dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .or_at("open", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedPostgresError::InUse { data_dir: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(source).or_at("lock", &path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_directory_becomes_the_host_of_a_url() {
        assert_eq!(percent_encoded(Path::new("/a b/c.d")), "%2Fa%20b%2Fc%2Ed");
    }
}
