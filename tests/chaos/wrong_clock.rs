//! Clocks that are off: libfaketime in front of a process's own, told by a file how far.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a process needs in its environment for its clock to go by a file.
pub struct WrongClock {
    library: PathBuf,
    file: PathBuf,
}

impl WrongClock {
    pub fn new(file: PathBuf) -> Self {
        let clock = Self { library: library(), file };
        clock.set(0);
        clock
    }

    /// Minutes off the real time, from within a second on.
    pub fn set(&self, minutes: i64) {
        // Written beside and renamed: a reader sees the old text or the new one.
        let beside = self.file.with_extension("new");
        fs::write(&beside, format!("{:+}\n", minutes * 60)).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).unwrap();
        fs::rename(&beside, &self.file).unwrap();
    }

    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            // Timers go by another clock, which no machine sets.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

fn library() -> PathBuf {
    if let Some(told) = std::env::var_os("MOBID_TEST_FAKETIME") {
        return told.into();
    }
    let found = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| {
        Some(entry.ok()?.path().join("faketime/libfaketime.so.1")).filter(|path| path.exists())
    });
    found.last().expect(
        "libfaketime is not installed (Debian: libfaketime), and MOBID_TEST_FAKETIME does not name it",
    )
}

/// A directory with Postgres' programs as they are, but for their clock.
pub fn postgres_with(clock: &WrongClock, dir: &Path) -> PathBuf {
    let real = real_programs();
    fs::create_dir_all(dir).unwrap();
    let variables: Vec<_> =
        clock.variables().into_iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    for name in ["postgres", "initdb"] {
        // initdb starts programs of its own, and a new cluster has no time to be wrong about. Small pieces of WAL
        // suit a small disk.
        let (variables, more) =
            if name == "postgres" { (variables.join(" "), "") } else { (String::new(), " --wal-segsize=1") };
        let script =
            format!("#!/bin/sh\nexec env {variables} '{}'{more} \"$@\"\n", real.join(name).display());
        fs::write(dir.join(name), script).unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir.to_owned()
}

fn real_programs() -> PathBuf {
    if let Some(told) = std::env::var_os("MOBID_POSTGRES_BIN") {
        return told.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").map(|entries| {
        let mut dirs: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
        dirs.sort();
        dirs.reverse();
        dirs
    });
    let mut all = std::env::split_paths(&path).chain(debian.unwrap_or_default());
    all.find(|dir| dir.join("postgres").exists() && dir.join("initdb").exists())
        .expect("Postgres is not installed, and MOBID_POSTGRES_BIN does not name it")
}

/// What libfaketime leaves behind of a process that was killed.
pub fn forget(pid: u32) {
    let Ok(entries) = fs::read_dir("/dev/shm") else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains("faketime") && name.ends_with(&format!("_{pid}")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
