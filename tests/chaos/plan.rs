//! What strikes, when and for how long: a pure function of the orders, the seed among them.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// Which server: there are two.
pub type Which = usize;

/// What a run is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    pub seed: u64,
    pub seconds: u64,
    pub server_kills: usize,
    pub database_kills: usize,
    pub cuts: usize,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillServer(Which),
    KillDatabase,
    /// Both ways at once.
    CutDatabase(Which),
    CutClients(Which),
    StallDatabase(Which),
    StallClients(Which),
    LoseDatabaseAnswers(Which, usize),
    LoseClientAnswers(Which, usize),
    PauseServer(Which),
    /// Every n-th process that serves a connection, so that a lock may be held.
    PauseBackends(usize),
    ReceiverFails,
    ReceiverHangsUp,
    ReceiverSlow,
    ReceiverSilent,
    FillDisk,
    /// In minutes off the real time, until the next one.
    ServerClock(Which, i64),
    DatabaseClock(i64),
}

/// One blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// From the start, at the earliest.
    pub at: Duration,
    pub fault: Fault,
    pub lasts: Duration,
    /// Strikes while the other one lasts.
    pub meanwhile: Option<Fault>,
}

/// The farthest that a clock is put off. An `Idempotency-Key` is good for a day by anybody's clock.
pub const FARTHEST_MINUTES: i64 = 6 * 60;

impl Orders {
    /// What a test run has time for.
    pub fn bounded() -> Self {
        Self { seed: 20_261_123, seconds: 40, server_kills: 4, database_kills: 2, cuts: 4 }
    }

    /// From `seed=7 seconds=1800 …`; what is not named is as in the bounded form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut orders = Self::bounded();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or(format!("{word:?} is no name=number"))?;
            let number: u64 = value.parse().map_err(|_| format!("{word:?} is no name=number"))?;
            let count = usize::try_from(number).unwrap_or(usize::MAX);
            match name {
                "seed" => orders.seed = number,
                "seconds" => orders.seconds = number,
                "server_kills" => orders.server_kills = count,
                "database_kills" => orders.database_kills = count,
                "cuts" => orders.cuts = count,
                _ => return Err(format!("{name:?} is not known")),
            }
        }
        Ok(orders)
    }

    /// A generator of its own for each part of the run.
    pub fn random(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn plan(&self) -> Vec<Strike> {
        let random = &mut self.random(0);
        let mut faults = self.faults(random);
        faults.shuffle(random);
        let mut blows: Vec<(Fault, Option<Fault>)> = Vec::new();
        for fault in faults {
            // Some of what takes no time comes down upon what does, or upon a database that is just dying.
            match blows.last_mut() {
                Some((lasting, meanwhile @ None))
                    if fault.is_instant()
                        && (!lasting.is_instant() || *lasting == Fault::KillDatabase)
                        && random.random_bool(0.4) =>
                {
                    *meanwhile = Some(fault);
                }
                _ => blows.push((fault, None)),
            }
        }
        let apart = Duration::from_secs(self.seconds) / u32::try_from(blows.len().max(1)).unwrap();
        let timed = blows.into_iter().zip(0..).map(|((fault, meanwhile), n)| {
            let lasts = Duration::from_millis(fault.lasts_ms(random));
            Strike { at: apart * n, fault, lasts, meanwhile }
        });
        timed.collect()
    }

    fn faults(&self, random: &mut StdRng) -> Vec<Fault> {
        let mut faults = Vec::new();
        for _ in 0..self.server_kills {
            faults.push(Fault::KillServer(random.random_range(0..2)));
        }
        for _ in 0..self.database_kills {
            faults.push(Fault::KillDatabase);
        }
        for n in 0..self.cuts {
            let which = random.random_range(0..2);
            faults.push(if n % 2 == 0 { Fault::CutDatabase(which) } else { Fault::CutClients(which) });
        }
        for _ in 0..(self.cuts / 4).max(2) {
            let which = random.random_range(0..2);
            faults.push(Fault::LoseDatabaseAnswers(which, random.random_range(1..6)));
            faults.push(Fault::LoseClientAnswers(which, random.random_range(1..12)));
        }
        for _ in 0..(self.cuts / 12).max(1) {
            faults.push(Fault::StallDatabase(random.random_range(0..2)));
            faults.push(Fault::StallClients(random.random_range(0..2)));
            faults.push(Fault::ReceiverFails);
            faults.push(Fault::ReceiverHangsUp);
            faults.push(Fault::ReceiverSlow);
            faults.push(Fault::ReceiverSilent);
        }
        for _ in 0..(self.server_kills / 6).max(1) {
            faults.push(Fault::PauseServer(random.random_range(0..2)));
            faults.push(Fault::PauseBackends(random.random_range(1..4)));
        }
        for _ in 0..(self.database_kills / 10).max(1) {
            faults.push(Fault::FillDisk);
        }
        for n in 0..(self.server_kills / 10).max(2) {
            let minutes = random.random_range(1..=FARTHEST_MINUTES);
            let minutes = if n % 2 == 0 { minutes } else { -minutes };
            faults.push(Fault::ServerClock(random.random_range(0..2), minutes));
            faults.push(Fault::DatabaseClock(-minutes));
        }
        faults
    }
}

impl Fault {
    pub fn is_instant(self) -> bool {
        self.lasts_at_most_ms() == 0
    }

    fn lasts_at_most_ms(self) -> u64 {
        match self {
            Self::KillServer(_)
            | Self::KillDatabase
            | Self::CutDatabase(_)
            | Self::CutClients(_)
            | Self::LoseDatabaseAnswers(..)
            | Self::LoseClientAnswers(..)
            | Self::ServerClock(..)
            | Self::DatabaseClock(_) => 0,
            Self::StallClients(_) | Self::FillDisk => 4_000,
            Self::PauseServer(_) | Self::PauseBackends(_) | Self::StallDatabase(_) => 9_000,
            Self::ReceiverFails | Self::ReceiverHangsUp | Self::ReceiverSlow | Self::ReceiverSilent => 3_000,
        }
    }

    fn lasts_ms(self, random: &mut StdRng) -> u64 {
        match self.lasts_at_most_ms() {
            0 => 0,
            most => random.random_range(most / 4..=most),
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7.1} s  {:?}", self.at.as_secs_f64(), self.fault)?;
        if !self.lasts.is_zero() {
            write!(f, " for {:.1} s", self.lasts.as_secs_f64())?;
        }
        match self.meanwhile {
            Some(fault) => write!(f, ", meanwhile {fault:?}"),
            None => Ok(()),
        }
    }
}

/// How often each kind of fault is in a plan, by name.
pub fn counts(plan: &[Strike]) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for fault in plan.iter().flat_map(|strike| [Some(strike.fault), strike.meanwhile]).flatten() {
        let text = format!("{fault:?}");
        let name = text.split('(').next().unwrap_or_default().to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn a_plan_is_a_function_of_its_seed() {
    let orders = Orders::bounded();
    assert_eq!(orders.plan(), orders.plan());
    assert_ne!(orders.plan(), Orders { seed: orders.seed + 1, ..orders.clone() }.plan());
}

#[test]
fn a_plan_holds_what_was_ordered() {
    let orders = Orders::parse("seed=3 seconds=1800 server_kills=200 database_kills=50 cuts=200").unwrap();
    let counts = counts(&orders.plan());
    assert_eq!((counts["KillServer"], counts["KillDatabase"]), (200, 50));
    assert_eq!(counts["CutDatabase"] + counts["CutClients"], 200);
    assert!(counts["FillDisk"] > 0 && counts["ServerClock"] > 0 && counts["DatabaseClock"] > 0);
}
