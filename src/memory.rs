//! How much memory there is, for what takes a part of it.

use std::fs;
use std::str::FromStr;

/// What is taken for it where nothing says how much there is.
const UNKNOWN: u64 = 1 << 30;

/// Bytes that this process and its children may use, as far as the kernel says: the machine's, or less in a container.
pub fn total() -> u64 {
    // By either version of control groups; "max" is no limit.
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.iter().filter_map(|file| u64::from_str(fs::read_to_string(file).ok()?.trim()).ok());
    of_machine().into_iter().chain(limits).min().unwrap_or(UNKNOWN)
}

fn of_machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_much_there_is() {
        let machine = of_machine().unwrap();
        assert!(machine > 64 << 20);
        assert!((1 << 20..=machine).contains(&total()));
    }
}
