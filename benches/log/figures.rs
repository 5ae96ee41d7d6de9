//! Figures: ratios with their spread on stdout, everything as one JSON object a line in a file.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What was measured, in each round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    pub section: String,
    pub name: String,
    /// Next to what; nothing for a figure that stands alone.
    pub against: Option<String>,
    pub unit: String,
    pub ours: Vec<f64>,
    /// Empty if there is nothing to stand next to.
    pub theirs: Vec<f64>,
}

/// A figure with where it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    #[serde(flatten)]
    pub figure: Figure,
    pub at: DateTime<Utc>,
    pub commit: String,
    pub machine: Machine,
    /// Made by `--quick` or a debug build: means nothing.
    pub quick: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    pub processor: String,
    pub memory_gib: u64,
    pub postgres: String,
    /// What else ran when the bench began: the load average of the last minute.
    pub load: f64,
}

/// Least, middle and most.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Figure {
    /// Ours as a multiple of theirs.
    pub fn ratio(
        section: &str,
        name: impl Into<String>,
        against: &str,
        ours: &[f64],
        theirs: &[f64],
    ) -> Self {
        Self {
            section: section.to_owned(),
            name: name.into(),
            against: Some(against.to_owned()),
            unit: "a second".to_owned(),
            ours: ours.to_vec(),
            theirs: theirs.to_vec(),
        }
    }

    /// One that stands alone.
    pub fn plain(section: &str, name: impl Into<String>, unit: &str, values: &[f64]) -> Self {
        Self {
            section: section.to_owned(),
            name: name.into(),
            against: None,
            unit: unit.to_owned(),
            ours: values.to_vec(),
            theirs: vec![],
        }
    }

    /// What is shown: the ratio of each round, or the value itself.
    pub fn shown(&self) -> Vec<f64> {
        if self.against.is_none() {
            return self.ours.clone();
        }
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    /// A rate that stands alone says more about the machine than about the program.
    pub fn is_absolute_rate(&self) -> bool {
        self.against.is_none() && self.unit == "a second"
    }

    /// The same with the ratios alone, for what leaves the machine.
    pub fn without_absolutes(self) -> Self {
        let ours = self.shown();
        let theirs = if self.against.is_some() { vec![1.0; ours.len()] } else { vec![] };
        Self { ours, theirs, ..self }
    }

    pub fn spread(&self) -> Spread {
        let mut shown = self.shown();
        shown.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| shown.get(index).copied().unwrap_or(f64::NAN);
        let (last, half) = (shown.len().saturating_sub(1), shown.len() / 2);
        let median =
            if shown.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) };
        Spread { min: at(0), median, max: at(last) }
    }
}

/// Where figures go.
pub struct Results {
    file: Mutex<File>,
    quick: bool,
    commit: String,
    machine: Machine,
}

impl Results {
    pub fn open(path: &Path, quick: bool, postgres: &str) -> Result<Self> {
        fs::create_dir_all(path.parent().context("a file in a directory")?)?;
        let file = File::options().create(true).append(true).open(path)?;
        // A build that is not optimised says nothing either.
        let quick = quick || cfg!(debug_assertions);
        let machine = Machine::here(postgres)?;
        println!("{} cores, {} GiB, Postgres {}", machine.cores, machine.memory_gib, machine.postgres);
        if quick {
            println!("--quick or a debug build: these figures mean nothing");
        }
        if machine.load > 0.5 {
            // Whoever competes with many processes gets more of a busy machine than whoever does with one.
            eprintln!("the machine is busy (load {}): ratios will be wrong, in stock's favour", machine.load);
        }
        Ok(Self { file: Mutex::new(file), quick, commit: commit(), machine })
    }

    /// Prints and keeps it.
    pub fn add(&self, figure: Figure) -> Result<()> {
        let Spread { min, median, max } = figure.spread();
        let against =
            figure.against.as_deref().map_or_else(|| figure.unit.clone(), |other| format!("× {other}"));
        let rounds: Vec<_> = figure.shown().iter().map(|value| format!("{value:.2}")).collect();
        println!(
            "{:<9} {:<48} median {median:>8.2}  min {min:>8.2}  max {max:>8.2}  {against}  [{}]",
            figure.section,
            figure.name,
            rounds.join(" ")
        );
        let measured = Measured {
            figure,
            at: Utc::now(),
            commit: self.commit.clone(),
            machine: self.machine.clone(),
            quick: self.quick,
        };
        let mut line = serde_json::to_string(&measured)?;
        line.push('\n');
        let mut file =
            self.file.lock().map_err(|_| anyhow::anyhow!("another thread failed while writing"))?;
        Ok(file.write_all(line.as_bytes())?)
    }
}

impl Machine {
    fn here(postgres: &str) -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor =
            processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = crate::cluster::field(&memory, "MemTotal:").unwrap_or(0);
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: processor.trim_start_matches([' ', '\t', ':']).to_owned(),
            memory_gib: kib.div_ceil(1 << 20),
            postgres: postgres.to_owned(),
            load: load()?,
        })
    }
}

fn load() -> Result<f64> {
    let averages = fs::read_to_string("/proc/loadavg")?;
    Ok(averages.split_whitespace().next().context("an empty load average")?.parse()?)
}

/// Which version was measured.
fn commit() -> String {
    let git = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
