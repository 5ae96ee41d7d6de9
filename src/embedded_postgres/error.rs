//! Why the embedded database is not running, in words that an operator can act on.

use std::io;
use std::path::{Path, PathBuf};

/// What went wrong while starting or stopping the embedded Postgres.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedPostgresError {
    /// Another live server holds the lock of this data directory.
    #[error(
        "the data directory {} is in use by another mobid server: stop that one, or give this one a MOBID_DATA_DIR \
         of its own",
        data_dir.display()
    )]
    InUse {
        /// The directory that is taken.
        data_dir: PathBuf,
    },

    /// There is no Postgres on this machine that would do.
    #[error(
        "no Postgres {wanted} was found ({looked_in}): install it with `apt-get install -y --no-install-recommends \
         {package}` (Debian, Ubuntu), or point MOBID_POSTGRES_BIN at the directory that holds `initdb` and \
         `postgres`, or set DATABASE_URL to use a Postgres that runs already"
    )]
    BinariesMissing {
        /// The version asked for: `15 or later`, or the one that made the cluster.
        wanted: String,
        /// The Debian package that has it.
        package: String,
        /// The directories that were looked into, and what was found there.
        looked_in: String,
    },

    /// Run as root there must be somebody else to run Postgres as, which refuses root.
    #[error(
        "Postgres refuses to run as root and there is neither a `postgres` nor a `nobody` in /etc/passwd to run it as: \
         start mobid as an ordinary user"
    )]
    NoAccount,

    /// Run as root, Postgres drops to an account that cannot get into a directory it needs.
    #[error(
        "started as root, Postgres runs as `{account}`, which may not enter {} and so cannot reach {}: use a \
         directory that it can reach, for example MOBID_DATA_DIR=/var/lib/mobid",
        blocked.display(),
        path.display()
    )]
    Unreachable {
        /// The account that Postgres runs as.
        account: String,
        /// The directory that it needs.
        path: PathBuf,
        /// The first directory on the way that keeps it out.
        blocked: PathBuf,
    },

    /// The cluster was made by an account that this process can neither be nor become.
    #[error(
        "the database in {} belongs to user id {owner}, and mobid runs as user id {ours}: start it as that user or as \
         root",
        cluster.display()
    )]
    NotOurs {
        /// The cluster's directory.
        cluster: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        ours: u32,
    },

    /// Neither the data directory nor the temporary directory gives a private place for the socket.
    #[error("no directory for the database's socket: {reason}")]
    SocketDir {
        /// What is wrong with the directories that were tried.
        reason: String,
    },

    /// `initdb` failed.
    #[error("initdb could not make the database in {}: {output}", cluster.display())]
    Initdb {
        /// The cluster's directory.
        cluster: PathBuf,
        /// What it printed.
        output: String,
    },

    /// The postmaster ended before it answered.
    #[error("Postgres ended while starting ({status}); the end of {}: {tail}", log.display())]
    Died {
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// What it wrote there during this start.
        tail: String,
    },

    /// The postmaster runs, but does not let us in.
    #[error("Postgres runs but does not answer; see {}", log.display())]
    NoAnswer {
        /// Its log file.
        log: PathBuf,
        /// The last answer.
        source: sqlx::Error,
    },

    /// The role or the database of the server could not be made.
    #[error("could not prepare the role and database of the server")]
    Bootstrap(#[source] sqlx::Error),

    /// Processes of this cluster outlived every signal.
    #[error("processes of the database in {} do not end: {pids:?}", cluster.display())]
    StillRunning {
        /// The cluster's directory.
        cluster: PathBuf,
        /// Their process ids.
        pids: Vec<i32>,
    },

    /// The task that watches the database ended by itself.
    #[error("the supervisor of the embedded Postgres is gone")]
    SupervisorGone,

    /// A file or directory could not be used.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Adds to an IO error what was being done to which path.
pub(super) trait OrAt<T> {
    fn or_at(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedPostgresError>;
}

impl<T> OrAt<T> for io::Result<T> {
    fn or_at(self, doing: &'static str, path: &Path) -> Result<T, EmbeddedPostgresError> {
        self.map_err(|source| EmbeddedPostgresError::Io { doing, path: path.to_owned(), source })
    }
}
