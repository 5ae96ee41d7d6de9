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
/// A directory on a small file system that is nobody else's, for where nothing can be mounted.
const GIVEN: &str = "MOBID_TEST_CHAOS_DISK";
/// In a container there is one that is small and that nobody else needs meanwhile.
const SHARED_MEMORY: &str = "/dev/shm";
const SMALL_MEGABYTES: std::ops::RangeInclusive<u64> = 56..=256;

/// Where a test may not mount: runs the same test where it may, and answers how that ended. `None` where this is the
/// place.
pub fn elsewhere(test: &str) -> Option<Result<(), String>> {
    if std::env::var_os(GIVEN).is_some() || may_mount() {
        return None;
    }
    let unshared = |program: &Path, args: &[&str]| {
        Command::new("unshare")
            .args(["--user", "--map-current-user", "--keep-caps", "--mount", "--"])
            .arg(program)
            .args(args)
            .env(IN_NAMESPACE, "1")
            .status()
            .is_ok_and(|status| status.success())
    };
    if std::env::var_os(IN_NAMESPACE).is_none() && unshared(Path::new("true"), &[]) {
        let here = std::env::current_exe().unwrap();
        let ran = unshared(&here, &["--exact", test, "--nocapture"]);
        return Some(if ran { Ok(()) } else { Err("it failed in a user namespace of its own".to_owned()) });
    }
    if SMALL_MEGABYTES.contains(&megabytes(Path::new(SHARED_MEMORY))) {
        return None;
    }
    Some(Err(format!(
        "to fill a disk this test needs a small one: to mount it, as root (CAP_SYS_ADMIN) or in a user namespace \
         (unshare --user --mount, of util-linux); or {SHARED_MEMORY} of {SMALL_MEGABYTES:?} MiB; or {GIVEN} to name \
         a directory on a file system of such a size"
    )))
}

/// What is free on the file system of a directory; 0 where that cannot be told.
fn megabytes(dir: &Path) -> u64 {
    let asked = Command::new("df").args(["--block-size=1M", "--output=avail"]).arg(dir).output();
    let text = asked.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().last().and_then(|last| last.parse().ok()).unwrap_or(0)
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

pub struct Disk {
    dir: PathBuf,
    /// Until dropped; else it is a directory on somebody else's.
    mounted: bool,
}

impl Disk {
    /// Of a size, if it can be had.
    pub fn take(dir: PathBuf, megabytes: u64) -> Self {
        let given = std::env::var_os(GIVEN).map(PathBuf::from);
        fs::create_dir_all(&dir).unwrap();
        if given.is_none() && mount(&dir, megabytes) {
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
            return Self { dir, mounted: true };
        }
        let name = dir.parent().unwrap().file_name().unwrap().to_owned();
        let elsewhere = given.unwrap_or_else(|| SHARED_MEMORY.into()).join(name);
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_dir(&dir).unwrap();
        Self { dir: elsewhere, mounted: false }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// In MiB.
    pub fn room(&self) -> u64 {
        megabytes(&self.dir)
    }

    fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
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
        if self.mounted {
            unmount(&self.dir);
            let _ = fs::remove_dir(&self.dir);
            // Where nothing else is kept there.
            let _ = self.dir.parent().map(fs::remove_dir);
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
