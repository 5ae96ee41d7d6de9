//! A file system small enough to be filled, for the database's directory.
//!
//! Mounting one takes root, or a user namespace of one's own: then the test starts itself again in one.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set once the test runs where it may mount.
const IN_NAMESPACE: &str = "MOBID_TEST_CHAOS_IN_NAMESPACE";

/// Where a test may not mount: runs the same test where it may, and answers how that ended. `None` where it may.
pub fn elsewhere(test: &str) -> Option<Result<(), String>> {
    if may_mount() {
        return None;
    }
    if std::env::var_os(IN_NAMESPACE).is_some() {
        return Some(Err("a user namespace was made, and still nothing can be mounted in it".to_owned()));
    }
    let here = std::env::current_exe().unwrap();
    let status = Command::new("unshare")
        .args(["--user", "--map-current-user", "--keep-caps", "--mount", "--"])
        .arg(here)
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(IN_NAMESPACE, "1")
        .status();
    Some(match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "the same test in a user namespace of its own ended with {status}. If it did not begin at all: to fill \
             a disk it needs to mount one, as root (CAP_SYS_ADMIN) or with unprivileged user namespaces \
             (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces>0)"
        )),
        Err(error) => {
            Err(format!("unshare (util-linux) cannot be run, and without root it must be: {error}"))
        }
    })
}

fn may_mount() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount(dir.path(), 1);
    if mounted {
        unmount(dir.path());
    }
    mounted
}

fn mount(dir: &Path, megabytes: u64) -> bool {
    let options = format!("size={megabytes}m,mode=0755");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "mobid-chaos"]).arg(dir).output();
    mount.is_ok_and(|done| done.status.success())
}

fn unmount(dir: &Path) {
    let _ = Command::new("umount").arg("-l").arg(dir).output();
}

/// Mounted until dropped.
pub struct Disk(PathBuf);

impl Disk {
    pub fn mount(dir: PathBuf, megabytes: u64) -> Self {
        fs::create_dir_all(&dir).unwrap();
        assert!(mount(&dir, megabytes), "no file system could be mounted on {}", dir.display());
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room that is left; answers how many bytes that was.
    pub fn fill(&self) -> u64 {
        let mut ballast = File::create(self.ballast()).unwrap();
        let mut block = vec![1; 1 << 20];
        while !block.is_empty() {
            if ballast.write_all(&block).is_err() {
                let half = block.len() / 2;
                block.truncate(half);
            }
        }
        ballast.metadata().unwrap().len()
    }

    pub fn empty(&self) {
        let _ = fs::remove_file(self.ballast());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.0);
        let _ = fs::remove_dir(&self.0);
        // Where nothing else is kept there.
        let _ = self.0.parent().map(fs::remove_dir);
    }
}
