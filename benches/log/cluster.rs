//! One Postgres for all contestants, configured as the product configures its own, and a database for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mobid::database;
use mobid::embedded_postgres::{EmbeddedPostgres, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

/// In a directory that a bench made, and may delete.
const MARK: &str = "made-by-the-bench";

pub struct Cluster {
    postgres: EmbeddedPostgres,
    dir: PathBuf,
    programs: PathBuf,
    pub version: String,
}

impl Cluster {
    /// A new one in this directory; what is left of an earlier one goes.
    pub async fn start(dir: &Path, programs: Option<PathBuf>) -> Result<Self> {
        let settings = Settings { data_dir: dir.to_owned(), binaries: programs.clone() };
        if dir.exists() {
            ensure!(
                dir.join(MARK).exists(),
                "{} is not of an earlier run: name another --dir",
                dir.display()
            );
            // Starting stops whatever a killed run left running there.
            EmbeddedPostgres::start(&settings).await?.stop().await?;
            fs::remove_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let postgres = EmbeddedPostgres::start(&settings).await?;
        fs::write(dir.join(MARK), "")?;
        let mut conn = superuser(&postgres).connect().await?;
        // pgbench has a connection for each of its clients. Nothing else differs from what the product runs on.
        conn.execute("alter system set max_connections = 400").await?;
        conn.close().await?;
        postgres.stop().await?;
        let postgres = EmbeddedPostgres::start(&settings).await?;
        let mut conn = superuser(&postgres).connect().await?;
        let version = sqlx::query_scalar("show server_version").fetch_one(&mut conn).await?;
        conn.close().await?;
        let programs = programs.filter(|dir| is_complete(dir)).or_else(programs_dir);
        let programs =
            programs.context("psql and pgbench are needed: Debian's package postgresql has them")?;
        Ok(Self { postgres, dir: dir.canonicalize()?, programs, version })
    }

    pub async fn remove(self) -> Result<()> {
        self.postgres.stop().await?;
        Ok(fs::remove_dir_all(&self.dir)?)
    }

    /// Beside the database, for what else a contestant writes.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new, empty database.
    pub async fn database(&self, name: &str) -> Result<PgConnectOptions> {
        let mut conn = superuser(&self.postgres).connect().await?;
        conn.execute(format!("drop database if exists {name} with (force)").as_str()).await?;
        conn.execute(format!("create database {name} owner mobid").as_str()).await?;
        conn.close().await?;
        Ok(self.options(name))
    }

    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let mut conn = superuser(&self.postgres).connect().await?;
        conn.execute(format!("drop database if exists {name} with (force)").as_str()).await?;
        Ok(conn.close().await?)
    }

    /// A new database with the product's schema, and the product's own pool on it.
    pub async fn product(&self, name: &str) -> Result<PgPool> {
        let options = self.database(name).await?;
        let pool = database::connect(options, 40).await?;
        database::migrate(&pool).await?;
        Ok(pool)
    }

    pub fn options(&self, name: &str) -> PgConnectOptions {
        self.postgres.connect_options().database(name)
    }

    pub fn url(&self, name: &str) -> String {
        let url = self.postgres.url();
        format!("{}/{name}", url.rsplit_once('/').map_or("", |(server, _)| server))
    }

    /// One of Postgres' programs, told how to reach a database here.
    pub fn program(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        let socket = self.postgres.connect_options().get_socket().cloned().unwrap_or_default();
        command
            .env("PGHOST", socket)
            .env("PGPORT", "5432")
            .env("PGUSER", "mobid")
            .env("PGDATABASE", database)
            .env("PGSSLMODE", "disable");
        command
    }

    /// Proportional memory of all its processes, in bytes: what they share counts once.
    pub fn memory(&self) -> Result<u64> {
        let pid_file = fs::read_to_string(self.dir.join("postgres/postmaster.pid"))?;
        let postmaster: u32 = pid_file.lines().next().context("an empty pid file")?.trim().parse()?;
        let mut kib = 0;
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
            if pid == postmaster || parent(pid) == Some(postmaster) {
                // It may have ended meanwhile.
                let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
                kib += field(&rollup, "Pss:").unwrap_or(0);
            }
        }
        Ok(kib * 1024)
    }
}

fn superuser(postgres: &EmbeddedPostgres) -> PgConnectOptions {
    postgres.connect_options().username("postgres").database("postgres")
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    field(&status, "PPid:").and_then(|pid| pid.try_into().ok())
}

/// A number in a file of /proc that names its fields.
pub fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Where the product would find `postgres`, if psql and pgbench are there as well.
fn programs_dir() -> Option<PathBuf> {
    let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(debian.into_iter().rev()).find(|dir| is_complete(dir))
}

fn is_complete(dir: &Path) -> bool {
    ["postgres", "psql", "pgbench"].iter().all(|program| dir.join(program).exists())
}
