//! Where the database's socket lies. Beside the cluster if its path fits the 107 bytes that a socket address holds;
//! else in a private directory under the temporary one, named after the data directory so that it is found again.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::config::PORT;
use super::error::{EmbeddedPostgresError, OrAt as _};

/// `sun_path` of `sockaddr_un` holds 108 bytes, the last of them zero (unix(7)).
const LONGEST_ADDRESS: usize = 107;

/// A directory that only the database's account and root can enter.
#[derive(Debug)]
pub(super) struct SocketDir(PathBuf);

impl SocketDir {
    pub(super) fn prepare(data_dir: &Path, account: &Account) -> Result<Self, EmbeddedPostgresError> {
        let beside = data_dir.join("socket");
        if fits(&beside) {
            // The data directory is the server's own: a start that was cut short, or an account that has changed,
            // is mended here.
            account.make_private_dir(&beside)?;
            account.own(&beside)?;
            return Self::private(beside, account);
        }
        let digest = Sha256::digest(data_dir.as_os_str().as_bytes());
        let short = u64::from_be_bytes(std::array::from_fn(|at| digest[at]));
        let name = format!("mobid-{short:016x}");
        let under = [std::env::temp_dir(), PathBuf::from("/tmp")]
            .into_iter()
            .find(|dir| fits(&dir.join(&name)) && account.must_reach(dir).is_ok());
        match under {
            Some(dir) => Self::private(dir.join(name), account),
            None => Err(EmbeddedPostgresError::SocketDir {
                reason: format!(
                    "{} is too long a path, and so is the temporary directory's",
                    beside.display()
                ),
            }),
        }
    }

    pub(super) fn into_path(self) -> PathBuf {
        self.0
    }

    /// Under a temporary directory anybody may have been there first, so what is found is checked, not mended.
    fn private(dir: PathBuf, account: &Account) -> Result<Self, EmbeddedPostgresError> {
        account.make_private_dir(&dir)?;
        let found = fs::symlink_metadata(&dir).or_at("look at", &dir)?;
        if !found.is_dir() || found.uid() != account.uid || found.mode() & 0o077 != 0 {
            return Err(EmbeddedPostgresError::SocketDir {
                reason: format!(
                    "{} must be a directory of user id {} that nobody else can enter: remove it",
                    dir.display(),
                    account.uid
                ),
            });
        }
        Ok(Self(dir))
    }
}

/// Short enough, and of characters that mean themselves in `postgresql.conf`.
fn fits(dir: &Path) -> bool {
    let address = dir.join(format!(".s.PGSQL.{PORT}"));
    address.as_os_str().len() <= LONGEST_ADDRESS
        && dir.is_absolute()
        && dir
            .as_os_str()
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_up_to_what_a_socket_address_holds() {
        let address = "/.s.PGSQL.5432".len();
        assert!(fits(Path::new(&format!("/{}", "d".repeat(LONGEST_ADDRESS - address - 1)))));
        assert!(!fits(Path::new(&format!("/{}", "d".repeat(LONGEST_ADDRESS - address)))));
    }

    #[test]
    fn a_path_that_would_need_quoting_does_not_fit() {
        assert!(!fits(Path::new("/with,comma")));
        assert!(!fits(Path::new("/with'quote")));
        assert!(!fits(Path::new("relative")));
    }
}
