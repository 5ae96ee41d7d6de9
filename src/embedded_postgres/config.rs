//! What the embedded Postgres is told. Both files are written anew at every start, so a new version of the server
//! brings its settings along; `alter system` is the place for an operator's own, and wins.

use std::path::Path;

/// There is no TCP; the number is only a part of the socket's name.
pub(super) const PORT: u16 = 5432;

/// Only those who can enter the socket's directory get this far, and they could read the files as well.
pub(super) const PG_HBA: &str = "\
# Written by mobid at every start.
local all all trust
local replication all trust
";

/// `postgresql.conf` for a machine with so many bytes of memory. `socket_dir` has been checked to need no quoting.
pub(super) fn postgresql_conf(socket_dir: &Path, memory: u64) -> String {
    // A quarter of the memory is Postgres' own advice. What is newest is read and written again and again: where it has
    // no room, the one connection that appends also has to write old pages out.
    let shared_buffers = ((memory / 4) >> 20).clamp(128, 1_024);
    let effective_cache_size = ((memory / 2) >> 20).max(256);
    format!(
        "\
# Written by mobid at every start. Your own settings: `alter system set …`, as the role postgres.

# Reached over the socket alone, whose directory is private.
listen_addresses = ''
port = {PORT}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 200

# What was acknowledged is on disk.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica

# An append log: few large commits, long stretches between checkpoints, reads that follow the head.
shared_buffers = {shared_buffers}MB
effective_cache_size = {effective_cache_size}MB
work_mem = 8MB
maintenance_work_mem = 128MB
wal_buffers = 16MB
wal_compression = on
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
effective_io_concurrency = 64
# Every statement is short, and compiling one costs more than running it.
jit = off

# Rows are mostly inserted: visit tables after few of them, so that index-only scans stay cheap and freezing never
# comes as one large surprise. Small, busy tables (checkpoints, leases) are visited often.
autovacuum = on
autovacuum_naptime = 20s
autovacuum_vacuum_insert_threshold = 10000
autovacuum_vacuum_insert_scale_factor = 0.05
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.1
autovacuum_vacuum_cost_limit = 1000

# The log must never hold a personal datum. Bind values and error details carry them, and so do the messages of
# errors (\"invalid input syntax for type uuid: …\"): the server, which caused an error, logs it in its own words.
log_destination = 'stderr'
logging_collector = off
log_statement = none
log_duration = off
log_min_duration_statement = -1
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] '
log_checkpoints = on
log_timezone = 'UTC'

timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
default_text_search_config = 'pg_catalog.simple'
",
        socket_dir = socket_dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared_buffers(memory: u64) -> String {
        let conf = postgresql_conf(Path::new("/run/x"), memory);
        conf.lines().find_map(|line| line.strip_prefix("shared_buffers = ")).unwrap().to_owned()
    }

    #[test]
    fn postgres_gets_a_quarter_of_the_memory_within_bounds() {
        assert_eq!(shared_buffers(256 << 20), "128MB");
        assert_eq!(shared_buffers(2 << 30), "512MB");
        assert_eq!(shared_buffers(64 << 30), "1024MB");
    }
}
