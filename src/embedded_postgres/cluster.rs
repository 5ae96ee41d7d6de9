//! The files of the database: made by `initdb` in a directory of its own and then renamed, so that a cluster is there
//! completely or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::binaries::Binaries;
use super::error::{EmbeddedPostgresError, OrAt as _};
use super::{config, processes};

/// Past this a log of earlier runs is set aside at a start.
const LOG_BYTES_KEPT: u64 = 16 * 1024 * 1024;

/// One database cluster and who it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// The cluster's directory, as a real path.
    pub(super) dir: PathBuf,
    /// What Postgres has to say.
    pub(super) log: PathBuf,
    pub(super) account: Account,
    /// Where `initdb` works before the cluster gets its name.
    draft: PathBuf,
}

impl Cluster {
    pub(super) fn in_data_dir(data_dir: &Path, account: Account) -> Self {
        Self {
            dir: data_dir.join("postgres"),
            log: data_dir.join("postgres.log"),
            draft: data_dir.join("postgres.initdb"),
            account,
        }
    }

    /// The major version that made the cluster; none where there is no cluster yet.
    pub(super) fn major(&self) -> Result<Option<u32>, EmbeddedPostgresError> {
        let path = self.dir.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => version
                .trim()
                .parse()
                .map(Some)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
                .or_at("understand", &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).or_at("read", &path),
        }
    }

    /// Runs `initdb` unless there is a cluster. What an interrupted one left behind is thrown away.
    pub(super) async fn create_if_missing(&self, binaries: &Binaries) -> Result<(), EmbeddedPostgresError> {
        if self.major()?.is_some() {
            return Ok(());
        }
        // An initdb that outlived its server would go on writing into the draft.
        processes::stop_all(&self.draft).await?;
        match fs::remove_dir_all(&self.draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).or_at("remove", &self.draft);
            }
            _ => {}
        }
        tracing::info!(cluster = %self.dir.display(), "making the embedded database");
        self.account.make_private_dir(&self.draft)?;
        let mut initdb = binaries.program("initdb", &self.account);
        initdb
            .arg("-D")
            .arg(&self.draft)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .args(["--data-checksums", "--no-instructions"])
            .process_group(0);
        let done = initdb.output().await.or_at("run initdb in", &self.draft)?;
        if !done.status.success() {
            let output = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Err(EmbeddedPostgresError::Initdb { cluster: self.dir.clone(), output });
        }
        fs::rename(&self.draft, &self.dir).or_at("rename the new database to", &self.dir)?;
        // The name must survive a power cut as well as the files do, which initdb has synced.
        if let Some(data_dir) = self.dir.parent() {
            File::open(data_dir).and_then(|dir| dir.sync_all()).or_at("sync", data_dir)?;
        }
        Ok(())
    }

    /// Writes the settings of this version of the server.
    pub(super) fn configure(&self, socket_dir: &Path) -> Result<(), EmbeddedPostgresError> {
        self.replace("postgresql.conf", &config::postgresql_conf(socket_dir, crate::memory::total()))?;
        self.replace("pg_hba.conf", config::PG_HBA)
    }

    /// Written beside and renamed: a cut leaves the old file or the new one.
    fn replace(&self, name: &str, text: &str) -> Result<(), EmbeddedPostgresError> {
        let path = self.dir.join(name);
        let fresh = self.dir.join(format!("{name}.new"));
        File::options()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .or_at("write", &fresh)?;
        self.account.own(&fresh)?;
        fs::rename(&fresh, &path).or_at("replace", &path)
    }

    /// Opens the log for a new postmaster and says where its part of it begins.
    pub(super) fn open_log(&self) -> Result<(File, u64), EmbeddedPostgresError> {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_BYTES_KEPT) {
            let earlier = self.log.with_extension("log.1");
            fs::rename(&self.log, &earlier).or_at("set aside", &self.log)?;
        }
        let file =
            File::options().create(true).append(true).mode(0o600).open(&self.log).or_at("open", &self.log)?;
        let begin = file.metadata().or_at("look at", &self.log)?.len();
        Ok((file, begin))
    }
}
