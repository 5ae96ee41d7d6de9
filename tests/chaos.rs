//! Two servers over one database, and everything that can go wrong: killed, paused, cut off, out of disk, out of
//! time. Then every promise is looked at.
//!
//! What strikes, when and whom, and what the clients ask for, follows from a seed, which a run prints first; how far
//! each has got when it strikes is the machine's doing. `./test` runs the bounded form; `tests/chaos/run` runs it for
//! as long as it is told to, and shows with planted faults that it can fail.

mod blows;
mod client;
mod disk;
mod plan;
mod promises;
mod reader;
mod receiver;
mod recipient;
mod record;
mod told;
mod world;
mod writer;
pub mod wrong_clock;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use client::Client;
use plan::{Orders, Strike};
use recipient::Recipient;
use told::Told;
use world::World;
use writer::{Manner, Writer};

const NAME: &str = "chaos::chaos_loses_nothing_and_doubles_nothing";
const WRITERS: u64 = 10;
const READERS: u64 = 2;
const RECIPIENTS: u64 = 2;
/// Consents that all writers change at the same time.
const CROWDED: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn chaos_loses_nothing_and_doubles_nothing() {
    if let Some(elsewhere) = disk::elsewhere(NAME) {
        elsewhere.unwrap();
        return;
    }
    let orders = std::env::var("MOBID_TEST_CHAOS").ok().filter(|text| !text.is_empty());
    let orders = orders.map_or(Orders::bounded(), |text| Orders::parse(&text).unwrap());
    let plan = orders.plan();
    eprintln!("{orders:?}");
    eprintln!("{} blows: {:?}", plan.len(), plan::counts(&plan));

    let begun = Instant::now();
    let told = Arc::new(Told::new());
    let mut world = World::make(&orders).await;
    run(&world, &orders, &plan, &told).await;
    let pool = world.pool().await;
    promises::at_rest(&pool, &told).await;
    promises::check(&world, &pool, &told).await;
    promises::end_well(&world, &told).await;
    promises::check_stopped(&world, &pool, &told).await;
    let summary = record::Summary::of(&orders, &plan, &told, &pool, begun.elapsed()).await;
    pool.close().await;

    eprintln!("{summary}");
    let broken = told.all_broken();
    assert!(broken.is_empty(), "with {orders:?}, broken promises: {broken:#?}");
    world.stop_database().await;
    summary.write();
}

/// Load and blows, until the last blow is over and every client has its answer.
async fn run(world: &World, orders: &Orders, plan: &[Strike], told: &Arc<Told>) {
    let servers = Arc::new(world.start().await);
    promises::watch_checkpoints(&world.pool().await).await;
    let client = Client { servers, told: told.clone() };
    let stop = Arc::new(AtomicBool::new(false));
    let (recipients, waiting) = mpsc::channel(64);
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|number| Writer {
            number,
            random: orders.random(100 + number),
            client: client.clone(),
            crowded: Arc::default(),
            callback: world.hook("callback"),
            recipients: recipients.clone(),
            stop: stop.clone(),
        })
        .collect();
    drop(recipients);
    let crowded = Arc::new(crowd(&mut writers[0]).await);
    let mut clients = JoinSet::new();
    for mut writer in writers {
        writer.crowded = crowded.clone();
        clients.spawn(writer.run());
    }
    for number in 0..READERS {
        clients.spawn(reader::run(client.clone(), orders.random(200 + number), stop.clone()));
    }
    let waiting = Arc::new(Mutex::new(waiting));
    for number in 0..RECIPIENTS {
        let recipient = Recipient {
            number,
            random: orders.random(300 + number),
            client: client.clone(),
            outboxes: [0, 1].map(|n: usize| world.instances[n].data_dir.join("outbox")),
            waiting: waiting.clone(),
        };
        clients.spawn(recipient.run());
    }

    blows::deal(world, told, plan).await;
    blows::heal(world, told).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
}

/// Makes the consents that everybody changes.
async fn crowd(writer: &mut Writer) -> Vec<String> {
    let mut crowded = Vec::new();
    for number in 0..CROWDED {
        let manner = Manner { with_callback: false, notify: false, minutes: 40_000, asks_again: false };
        let (key, recipient) = (format!("crowded-{number}"), format!("+4999900000{number}"));
        crowded.push(writer.create(&key, &recipient, manner).await.unwrap());
    }
    crowded
}

#[expect(clippy::disallowed_methods, reason = "how long a fault lasts is a part of the fault")]
async fn lasting(time: Duration) {
    tokio::time::sleep(time).await;
}
