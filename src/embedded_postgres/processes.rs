//! The processes of a cluster that this server did not start: a postmaster whose server was killed, backends whose
//! postmaster was killed. Two postmasters on one directory would ruin it, so these end before a new one begins.
//!
//! A process belongs to a cluster when it is a Postgres program that works in the cluster's directory or was started
//! for it. A number in `postmaster.pid` proves nothing: after a reboot it may be anybody's.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::error::EmbeddedPostgresError;

/// How long a fast shutdown may take: its checkpoint writes what is dirty.
pub(super) const FAST_SHUTDOWN: Duration = Duration::from_mins(1);
/// How long processes may take that were told to drop everything.
pub(super) const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(10);

/// Stops whatever still runs on `cluster`: politely, then at once, then by force. The log in the WAL makes each safe.
pub(super) async fn stop_all(cluster: &Path) -> Result<(), EmbeddedPostgresError> {
    let running = of_cluster(cluster);
    if running.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        cluster = %cluster.display(),
        processes = running.len(),
        "stopping database processes that an earlier server left behind"
    );
    if let Some(postmaster) = recorded_postmaster(cluster).filter(|pid| running.contains(pid)) {
        send(postmaster, Signal::INT);
        if gone_within(cluster, FAST_SHUTDOWN).await {
            return Ok(());
        }
    }
    for signal in [Signal::QUIT, Signal::KILL] {
        for pid in of_cluster(cluster) {
            send(pid, signal);
        }
        if gone_within(cluster, IMMEDIATE_SHUTDOWN).await {
            return Ok(());
        }
    }
    let pids = of_cluster(cluster).into_iter().map(Pid::as_raw_pid).collect();
    Err(EmbeddedPostgresError::StillRunning { cluster: cluster.to_owned(), pids })
}

/// Forgets a `postmaster.pid` whose process is gone, which [`stop_all`] has made sure of.
///
/// Postgres does so itself, except where the number has gone to another process of the same account: then it would
/// refuse to start for ever. The socket's own lock file has the same weakness.
pub(super) fn forget_stale_locks(cluster: &Path, socket_dir: &Path) {
    if !Path::new("/proc/self/comm").exists() {
        return; // nothing can be made sure of here: Postgres decides
    }
    let socket = format!(".s.PGSQL.{}", super::config::PORT);
    for stale in
        [cluster.join("postmaster.pid"), socket_dir.join(format!("{socket}.lock")), socket_dir.join(socket)]
    {
        // Absent is the usual case, and what cannot be removed Postgres complains of itself.
        let _ = fs::remove_file(stale);
    }
}

/// Signals a process; one that is already gone is what was wanted.
pub(super) fn send(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// The first line of `postmaster.pid`. Only a hint: see above.
fn recorded_postmaster(cluster: &Path) -> Option<Pid> {
    let file = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    // A single-user Postgres, such as initdb runs, writes its number negative.
    let number = file.lines().next()?.trim().parse().ok().filter(|number| *number > 0)?;
    Pid::from_raw(number)
}

fn of_cluster(cluster: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| belongs(&entry.path(), cluster))
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn belongs(process: &Path, cluster: &Path) -> bool {
    // Cheap for the many others: entries that are no process have no `comm`.
    let Ok(name) = fs::read(process.join("comm")) else { return false };
    if !matches!(name.trim_ascii_end(), b"postgres" | b"postmaster" | b"initdb") {
        return false;
    }
    let works_there = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == cluster);
    let started_for_it = || {
        fs::read(process.join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|arg| OsStr::from_bytes(arg) == cluster))
    };
    works_there || started_for_it()
}

/// Looks again and again, since nobody tells when somebody else's child has ended.
async fn gone_within(cluster: &Path, bound: Duration) -> bool {
    let deadline = Instant::now() + bound;
    let mut tick = interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if of_cluster(cluster).is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
    }
}
