//! Finds `initdb` and `postgres`: where the setting says, else on `PATH`, else where Debian's packages put them.
//!
//! A cluster belongs to the major version that made it, so an existing one narrows the search to that version.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::account::Account;
use super::error::EmbeddedPostgresError;

/// The log relies on what Postgres 15 brought.
const OLDEST_MAJOR: u32 = 15;

/// A directory with the programs of one Postgres version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The first directory that has the wanted version, or, with none wanted, one that is new enough.
    pub(super) async fn find(
        setting: Option<&Path>,
        wanted: Option<u32>,
        account: &Account,
    ) -> Result<Self, EmbeddedPostgresError> {
        let candidates = match setting {
            Some(dir) => vec![std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())],
            None => candidates(),
        };
        let mut looked_in = Vec::new();
        for dir in candidates {
            if setting.is_some() && dir.join("postgres").exists() {
                account.must_reach(&dir)?;
            }
            match major_of(&dir, account).await {
                Some(major) if wanted.map_or(major >= OLDEST_MAJOR, |wanted| major == wanted) => {
                    return Ok(Self { dir, major });
                }
                Some(major) => looked_in.push(format!("{} has {major}", dir.display())),
                None => looked_in.push(format!("none in {}", dir.display())),
            }
        }
        if looked_in.is_empty() {
            looked_in.push("none on PATH or in /usr/lib/postgresql".to_owned());
        }
        Err(EmbeddedPostgresError::BinariesMissing {
            wanted: wanted.map_or(format!("{OLDEST_MAJOR} or later"), |wanted| wanted.to_string()),
            package: wanted.map_or("postgresql".to_owned(), |wanted| format!("postgresql-{wanted}")),
            looked_in: looked_in.join(", "),
        })
    }

    /// A program of this version, to run as `account` with an environment of our making.
    ///
    /// Nothing is inherited but the way to libraries: the server's variables hold its secrets, and stray `PG…`
    /// variables would change what the database does.
    pub(super) fn program(&self, name: &str, account: &Account) -> Command {
        program(&self.dir, name, account)
    }
}

fn program(dir: &Path, name: &str, account: &Account) -> Command {
    let mut command = Command::new(dir.join(name));
    // The current directory may be closed to the account, and Postgres asks for its name.
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    for inherited in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(inherited) {
            command.env(inherited, value);
        }
    }
    account.run(&mut command);
    command
}

/// Directories that hold both programs: those on `PATH` in its order, then Debian's, newest version first.
fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    debian.sort_by_key(|dir| {
        Reverse(dir.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0))
    });
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .chain(debian.into_iter().map(|dir| dir.join("bin")))
        .filter(|dir| dir.join("postgres").exists() && dir.join("initdb").exists())
        .collect()
}

/// The major version of the programs in `dir`; none where they are not there or do not run.
async fn major_of(dir: &Path, account: &Account) -> Option<u32> {
    if !dir.join("initdb").exists() {
        return None;
    }
    let answer = program(dir, "postgres", account).arg("--version").output().await.ok()?;
    parse_major(&String::from_utf8_lossy(&answer.stdout))
}

fn parse_major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("something else"), None);
    }
}
