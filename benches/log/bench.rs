//! What every section needs: the settings, the Postgres, where results go.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::Mutex;

use crate::cluster::Cluster;
use crate::figures::Results;

#[derive(clap::Args, Clone)]
pub struct Settings {
    /// How often each contestant has its turn.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Seconds of a turn, after its warm-up.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// Everything once and tiny, to see that it works. Its figures mean nothing.
    #[arg(long)]
    pub quick: bool,
    /// Commands (and pgbench clients) in flight.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64,256")]
    pub in_flight: Vec<usize>,
    /// Per cent of commands that go to one of a few hot consents.
    #[arg(long, value_delimiter = ',', default_value = "0,1,5")]
    pub conflicts: Vec<u32>,
    /// Connections of postgres-es; tries 16, 32 and 64 if it is not given.
    #[arg(long)]
    pub stock_pool: Option<u32>,
    /// Events of the log that `catch-up` and `verify` read.
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Consents that `scale` has, one size after the other.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
    pub consents: Vec<u64>,
    /// How long `snapshot` holds one.
    #[arg(long, default_value_t = 10)]
    pub snapshot_minutes: u64,
    /// How long `soak` loads.
    #[arg(long, default_value_t = 10)]
    pub minutes: u64,
    /// Where the Postgres is, made anew each time and removed in the end.
    #[arg(long, value_name = "DIRECTORY", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench/data"))]
    pub dir: PathBuf,
    /// The directory of `postgres`, `initdb`, `psql` and `pgbench`, if not where they usually are.
    #[arg(long, env = "MOBID_POSTGRES_BIN", value_name = "DIRECTORY")]
    pub postgres_bin: Option<PathBuf>,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Settings {
    pub fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds }
    }

    pub fn turn(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { self.seconds })
    }

    pub fn warm_up(&self) -> Duration {
        if self.quick { Duration::from_millis(300) } else { Duration::from_secs(1) }
    }

    pub fn in_flight(&self) -> Vec<usize> {
        if self.quick { vec![1, 64] } else { self.in_flight.clone() }
    }

    pub fn conflicts(&self) -> Vec<u32> {
        if self.quick { vec![0, 5] } else { self.conflicts.clone() }
    }
}

pub struct Bench {
    pub settings: Settings,
    pub cluster: Cluster,
    pub results: Results,
    /// Big logs that an earlier section made, by database, with their number of events.
    pub made: Mutex<HashMap<String, f64>>,
}

impl Bench {
    pub async fn start(settings: Settings) -> Result<Self> {
        let cluster = Cluster::start(&settings.dir, settings.postgres_bin.clone()).await?;
        let results = Results::open(&results_path(), settings.quick, &cluster.version)?;
        Ok(Self { settings, cluster, results, made: Mutex::default() })
    }

    pub async fn stop(self) -> Result<()> {
        self.cluster.remove().await
    }
}

/// One JSON object a line, a figure each.
pub fn results_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/log.jsonl")
}
