//! Who Postgres runs as. It refuses root, so a server started as root runs it under an unprivileged account, and
//! everything on the way to its files must let that account through.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::error::{EmbeddedPostgresError, OrAt as _};

/// The account that owns the cluster and runs its processes.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) name: String,
    /// Whether this process is root and becomes that account for the database's processes.
    dropped: bool,
}

impl Account {
    /// Ourselves; or, as root, the owner of the cluster where there is one, else `postgres`, else `nobody`.
    ///
    /// The owner comes first because installing Debian's package adds a `postgres` user: a cluster that was made as
    /// `nobody` must go on as `nobody`.
    pub(super) fn choose(cluster_dir: &Path) -> Result<Self, EmbeddedPostgresError> {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        let owner = fs::metadata(cluster_dir).ok().map(|found| (found.uid(), found.gid()));

        if uid != 0 {
            return match owner {
                Some((owner, _)) if owner != uid => {
                    Err(EmbeddedPostgresError::NotOurs { cluster: cluster_dir.to_owned(), owner, ours: uid })
                }
                _ => Ok(Self { uid, gid, name: format!("uid {uid}"), dropped: false }),
            };
        }
        if let Some((uid, gid)) = owner
            && uid != 0
        {
            return Ok(Self { uid, gid, name: format!("uid {uid}"), dropped: true });
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Self::of_passwd(&passwd, name))
            .ok_or(EmbeddedPostgresError::NoAccount)
    }

    fn of_passwd(passwd: &str, name: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then(|| Self { uid, gid, name: name.to_owned(), dropped: true })
        })
    }

    /// Makes the data directory where it is missing and returns its real path, once this account can reach it.
    ///
    /// It belongs to the server, whose keys lie in it. An account other than the server's may pass through, not list.
    pub(super) fn prepare_data_dir(&self, data_dir: &Path) -> Result<PathBuf, EmbeddedPostgresError> {
        let mode = if self.dropped { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(data_dir).or_at("create", data_dir)?;
        let data_dir = data_dir.canonicalize().or_at("resolve", data_dir)?;

        let metadata = fs::metadata(&data_dir).or_at("look at", &data_dir)?;
        if self.dropped && metadata.uid() == 0 && !self.may_enter(&data_dir) {
            let passable = Permissions::from_mode(metadata.mode() & 0o7777 | 0o011);
            fs::set_permissions(&data_dir, passable).or_at("change the mode of", &data_dir)?;
        }
        self.must_reach(&data_dir)?;
        Ok(data_dir)
    }

    /// Fails with the first directory on the way to `path` (itself included) that keeps this account out.
    pub(super) fn must_reach(&self, path: &Path) -> Result<(), EmbeddedPostgresError> {
        let ancestors: Vec<&Path> = path.ancestors().collect();
        match ancestors.into_iter().rev().find(|dir| !self.may_enter(dir)) {
            None => Ok(()),
            Some(blocked) => Err(EmbeddedPostgresError::Unreachable {
                account: self.name.clone(),
                path: path.to_owned(),
                blocked: blocked.to_owned(),
            }),
        }
    }

    /// By the mode bits alone: access lists are beyond us, and initdb says so in its own words.
    fn may_enter(&self, dir: &Path) -> bool {
        if !self.dropped {
            return true;
        }
        let Ok(metadata) = fs::metadata(dir) else { return false };
        let bit = if metadata.uid() == self.uid {
            0o100
        } else if metadata.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }

    /// Makes a directory that only this account (and root) can enter; one that is there already is left as it is.
    pub(super) fn make_private_dir(&self, dir: &Path) -> Result<(), EmbeddedPostgresError> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => self.own(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error).or_at("create", dir),
        }
    }

    /// Gives a file or directory to this account.
    pub(super) fn own(&self, path: &Path) -> Result<(), EmbeddedPostgresError> {
        if self.dropped { lchown(path, Some(self.uid), Some(self.gid)).or_at("chown", path) } else { Ok(()) }
    }

    /// Makes `command` run as this account.
    pub(super) fn run(&self, command: &mut Command) {
        if self.dropped {
            // Setting the uid as root also drops root's supplementary groups.
            command.uid(self.uid).gid(self.gid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_the_passwd_file() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/usr/sbin/nologin\n";
        let nobody = Account::of_passwd(passwd, "nobody").unwrap();
        assert_eq!((nobody.uid, nobody.gid), (65534, 65533));
        assert!(Account::of_passwd(passwd, "postgres").is_none());
    }

    #[test]
    fn root_under_another_name_is_no_account_to_drop_to() {
        assert!(Account::of_passwd("postgres:x:0:0::/:/bin/sh", "postgres").is_none());
    }
}
