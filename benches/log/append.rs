//! The event store against stock postgres-es and pgbench: commands a second.
//!
//! A round goes through all cells (so many in flight, so many per cent of conflicts); in each cell the contestants
//! take turns, in changing order: first they create consents, then they append to those (an update each, so that no
//! consent grows long). A conflict is two updates to the same consent, sent together, of which one must lose: so many
//! of a hundred commands are the losers. Whoever loses is sent again until it is in (at most 16 times), on either side,
//! and counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cqrs_es::DomainEvent;
use mobid_domain::consent::Consent;
use mobid_domain::event::{Decider, canonical_text};
use sqlx::PgPool;

use crate::bench::Bench;
use crate::drive::{Done, Driven, drive};
use crate::figures::Figure;
use crate::ours::Ours;
use crate::pgbench::{self, Row};
use crate::sample::{Sample, consent_id};
use crate::stock::{self, Stock};

const SECTION: &str = "append";
const STOCK: &str = "stock postgres-es";
/// Consents that conflicts happen on, for each that is in flight: those of a moment are on different ones.
const HOT: usize = 4;

/// Consents that were made in a turn.
type Ids = Arc<Vec<String>>;

/// Both contestants behind one face.
#[derive(Clone)]
pub enum Contestant {
    Ours(Ours),
    Stock(Stock),
}

impl Contestant {
    pub async fn create(&self, id: &str) -> Result<Done> {
        match self {
            Self::Ours(ours) => ours.create(id).await,
            Self::Stock(stock) => stock.create(id).await,
        }
    }

    pub async fn update(&self, id: &str) -> Result<Done> {
        match self {
            Self::Ours(ours) => ours.update(id).await,
            Self::Stock(stock) => stock.update(id).await,
        }
    }

    /// Two updates to the same consent at once.
    async fn race(&self, id: &str) -> Result<Done> {
        match tokio::try_join!(self.update(id), self.update(id))? {
            (Done::GivenUp, _) | (_, Done::GivenUp) => Ok(Done::GivenUp),
            _ => Ok(Done::Both),
        }
    }
}

/// Rates by round, of one cell.
#[derive(Default)]
struct Cell {
    in_flight: usize,
    conflicts: u32,
    create: [Vec<f64>; 2],
    append: [Vec<f64>; 2],
    /// Ours, with none of the consents in memory.
    append_unremembered: Vec<f64>,
    pgbench: Vec<f64>,
}

pub async fn run(bench: &Bench) -> Result<()> {
    let sample = Arc::new(Sample::new()?);
    let pool = bench.cluster.product("bench_ours").await?;
    let options = bench.cluster.database("bench_stock").await?;
    stock::prepare(&options).await?;
    let row = row(&sample)?;
    pgbench::prepare(bench).await?;
    let connections = match bench.settings.stock_pool {
        Some(connections) => connections,
        None => best_pool(bench, &sample).await?,
    };
    let stock = Contestant::Stock(Stock::open(options, connections, sample.clone()).await?);
    let ours = Contestant::Ours(Ours::new(pool.clone(), sample.clone()));

    let mut cells: Vec<Cell> = Vec::new();
    for in_flight in bench.settings.in_flight() {
        for conflicts in bench.settings.conflicts() {
            cells.push(Cell { in_flight, conflicts, ..Cell::default() });
        }
    }
    for round in 0..bench.settings.rounds() {
        for (index, cell) in cells.iter_mut().enumerate() {
            let mut order = [(0, &ours), (1, &stock)];
            if (round + index) % 2 == 1 {
                order.reverse();
            }
            for (which, contestant) in order {
                let (create, ids) = creates(bench, cell, contestant).await?;
                cell.create[which].push(create.rate);
                let append = appends(bench, cell, contestant, &ids).await?;
                cell.append[which].push(append.rate);
                say_given_up(which, cell, create.given_up + append.given_up);
                if which == 0 && cell.conflicts == 0 {
                    cell.append_unremembered.push(unremembered(bench, cell, &pool, &sample, &ids).await?);
                }
            }
            if cell.conflicts == 0 {
                cell.pgbench.push(pgbench::rate(bench, cell.in_flight, &row).await?);
            }
        }
    }
    report(bench, &cells)
}

/// A row as our store writes it.
fn row(sample: &Sample) -> Result<Row> {
    let context = sample.context();
    let events = Consent::default().decide(&context.stamp(sample.create()))?;
    let event = events.first().context("a create makes an event")?;
    let row = Row { payload: canonical_text(event)?, metadata: context.metadata_text()? };
    let (payload, metadata) = (row.payload.len(), row.metadata.len());
    println!("a {} has {payload} bytes of payload and {metadata} of metadata", event.event_type());
    Ok(row)
}

/// With which pool postgres-es creates fastest at 64 in flight.
async fn best_pool(bench: &Bench, sample: &Arc<Sample>) -> Result<u32> {
    let mut best = (0.0, 32);
    if bench.settings.quick {
        return Ok(best.1);
    }
    for connections in [16, 32, 64] {
        let options = bench.cluster.options("bench_stock");
        let stock = Contestant::Stock(Stock::open(options, connections, sample.clone()).await?);
        let cell = Cell { in_flight: 64, ..Cell::default() };
        let (driven, _) = creates(bench, &cell, &stock).await?;
        if driven.rate > best.0 {
            best = (driven.rate, connections);
        }
    }
    println!("postgres-es does best with {} of 16, 32 and 64 connections", best.1);
    Ok(best.1)
}

/// Creates consents for a turn; they are what can be appended to next.
async fn creates(bench: &Bench, cell: &Cell, contestant: &Contestant) -> Result<(Driven, Ids)> {
    let hot = Hot::new(cell, contestant).await?;
    let made = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (contestant, collected) = (contestant.clone(), made.clone());
    let settings = &bench.settings;
    let driven = drive(cell.in_flight, settings.warm_up(), settings.turn(), move |_| {
        let (contestant, made, hot) = (contestant.clone(), collected.clone(), hot.clone());
        async move {
            if let Some(id) = hot.chosen() {
                return contestant.race(id).await;
            }
            let id = consent_id();
            let done = contestant.create(&id).await?;
            if let Ok(mut made) = made.lock() {
                made.push(id);
            }
            Ok(done)
        }
    });
    let driven = driven.await?;
    let ids = std::mem::take(&mut *made.lock().map_err(|_| anyhow::anyhow!("a worker failed"))?);
    Ok((driven, Arc::new(ids)))
}

/// Creates a second at 64 in flight, in a turn.
pub async fn creation_rate(bench: &Bench, ours: &Ours) -> Result<f64> {
    creation_rate_for(bench, ours, bench.settings.turn()).await
}

/// The same in a turn of this length.
pub async fn creation_rate_for(bench: &Bench, ours: &Ours, turn: Duration) -> Result<f64> {
    let ours = ours.clone();
    let driven = drive(64, bench.settings.warm_up(), turn, move |_| {
        let ours = ours.clone();
        async move { ours.create(&consent_id()).await }
    });
    Ok(driven.await?.rate)
}

/// Appends to these, each in its turn.
async fn appends(bench: &Bench, cell: &Cell, contestant: &Contestant, ids: &Ids) -> Result<Driven> {
    let hot = Hot::new(cell, contestant).await?;
    let (contestant, ids, next) = (contestant.clone(), ids.clone(), Arc::new(AtomicUsize::new(0)));
    let settings = &bench.settings;
    drive(cell.in_flight, settings.warm_up(), settings.turn(), move |_| {
        let (contestant, ids, next, hot) = (contestant.clone(), ids.clone(), next.clone(), hot.clone());
        async move {
            if let Some(id) = hot.chosen() {
                return contestant.race(id).await;
            }
            let turn = next.fetch_add(1, Ordering::Relaxed);
            contestant.update(&ids[turn % ids.len()]).await
        }
    })
    .await
}

/// The same by a store that was just started.
async fn unremembered(
    bench: &Bench,
    cell: &Cell,
    pool: &PgPool,
    sample: &Arc<Sample>,
    ids: &Ids,
) -> Result<f64> {
    let fresh = Contestant::Ours(Ours::new(pool.clone(), sample.clone()));
    Ok(appends(bench, cell, &fresh, ids).await?.rate)
}

/// The consents that conflicts happen on, new ones for each turn.
#[derive(Clone)]
struct Hot {
    ids: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
    per_cent: u64,
}

impl Hot {
    async fn new(cell: &Cell, contestant: &Contestant) -> Result<Self> {
        let many = if cell.conflicts > 0 { HOT * cell.in_flight } else { 0 };
        let ids: Vec<_> = (0..many).map(|_| consent_id()).collect();
        for id in &ids {
            contestant.create(id).await?;
        }
        Ok(Self { ids: Arc::new(ids), next: Arc::default(), per_cent: cell.conflicts.into() })
    }

    /// The next of them, as often as it takes for so many of a hundred commands to lose: a race is two of them.
    fn chosen(&self) -> Option<&str> {
        let random = u64::from_be_bytes(mobid::secret::random());
        let hit = random % (100 - self.per_cent) < self.per_cent;
        hit.then(|| self.ids[self.next.fetch_add(1, Ordering::Relaxed) % self.ids.len()].as_str())
    }
}

fn say_given_up(which: usize, cell: &Cell, given_up: u64) {
    if given_up > 0 {
        let who = ["our store", STOCK][which];
        eprintln!(
            "{who} gave up {given_up} times at {} in flight, {} % conflicts",
            cell.in_flight, cell.conflicts
        );
    }
}

fn report(bench: &Bench, cells: &[Cell]) -> Result<()> {
    for cell in cells {
        let name = |what| {
            let conflicts =
                if cell.conflicts > 0 { format!(", {} % conflicts", cell.conflicts) } else { String::new() };
            format!("{what}, {} in flight{conflicts}", cell.in_flight)
        };
        let add = |what, against: &str, ours: &[f64], theirs: &[f64]| {
            bench.results.add(Figure::ratio(SECTION, name(what), against, ours, theirs))
        };
        add("create", STOCK, &cell.create[0], &cell.create[1])?;
        add("append", STOCK, &cell.append[0], &cell.append[1])?;
        if cell.conflicts == 0 {
            add("append, nothing remembered", STOCK, &cell.append_unremembered, &cell.append[1])?;
            add("create", "pgbench", &cell.create[0], &cell.pgbench)?;
            add("append", "pgbench", &cell.append[0], &cell.pgbench)?;
        } else if let Some(calm) = cells.iter().find(|c| c.in_flight == cell.in_flight && c.conflicts == 0) {
            add("create", "itself without conflicts", &cell.create[0], &calm.create[0])?;
            add("append", "itself without conflicts", &cell.append[0], &calm.append[0])?;
        }
    }
    Ok(())
}
