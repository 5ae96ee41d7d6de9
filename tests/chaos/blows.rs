//! Deals the blows of a plan, and sees that the world gets up after each.

use std::time::{Duration, Instant};

use super::plan::{Fault, Strike};
use super::receiver::Mood;
use super::told::Told;
use super::world::World;
use super::{lasting, wrong_clock};
use crate::support::process::signal;

/// Commands that must be answered after a blow before the next one comes.
const ANSWERS_BETWEEN: u64 = 5;
/// How long that may take: a database that starts on a full disk waits for up to half a minute between tries.
const UP_AGAIN_WITHIN: Duration = Duration::from_secs(90);

/// Deals them all; answers when the last one is over.
pub async fn deal(world: &World, told: &Told, plan: &[Strike]) {
    let begun = Instant::now();
    for strike in plan {
        if told.is_broken() {
            eprintln!("a promise is broken, so no blow follows");
            return;
        }
        lasting(strike.at.saturating_sub(begun.elapsed())).await;
        eprintln!("[{:>7.1}] {strike}", begun.elapsed().as_secs_f64());
        let stopped = begin(world, told, strike.fault).await;
        if let Some(meanwhile) = strike.meanwhile {
            lasting(strike.lasts / 2).await;
            begin(world, told, meanwhile).await;
            lasting(strike.lasts / 2).await;
        } else {
            lasting(strike.lasts).await;
        }
        end(world, strike.fault, &stopped);
        revive(world, told).await;
        if !gets_up(told).await {
            told.broken("it gets up by itself", format!("nothing was answered after {strike}"));
            return;
        }
    }
}

/// Begins one; the processes that it stopped.
async fn begin(world: &World, told: &Told, fault: Fault) -> Vec<u32> {
    match fault {
        Fault::KillServer(which) => kill(world, told, which).await,
        Fault::KillDatabase => {
            for (pid, _) in world.database_processes() {
                signal(&pid.to_string(), "KILL");
                wrong_clock::forget(pid);
            }
        }
        Fault::CutDatabase(which) => world.instances[which].behind.cut(),
        Fault::CutClients(which) => world.instances[which].front.cut(),
        Fault::StallDatabase(which) => world.instances[which].behind.stall(),
        Fault::StallClients(which) => world.instances[which].front.stall(),
        Fault::LoseDatabaseAnswers(which, count) => world.instances[which].behind.lose_answers(count),
        Fault::LoseClientAnswers(which, count) => world.instances[which].front.lose_answers(count),
        Fault::PauseServer(which) => {
            let pid = world.instances[which].process.lock().await.pid();
            return stop(pid.into_iter().collect());
        }
        Fault::PauseBackends(every) => {
            let processes = world.database_processes().into_iter();
            let backends = processes.filter(|(_, line)| line.starts_with("postgres: mobid"));
            return stop(backends.map(|(pid, _)| pid).step_by(every).collect());
        }
        Fault::ReceiverFails => world.receiver.is(Mood::Fails),
        Fault::ReceiverSlow => world.receiver.is(Mood::Slow),
        Fault::ReceiverHangsUp => world.to_receiver.refuse(),
        Fault::ReceiverSilent => world.to_receiver.stall(),
        Fault::FillDisk => {
            let bytes = world.disk.fill();
            eprintln!("          filled the last {} MiB of the disk", bytes >> 20);
            if world.has_room().await {
                told.broken("faults are faults", "the disk is full, and the database has room".to_owned());
            }
        }
        Fault::ServerClock(which, minutes) => world.instances[which].clock.set(minutes),
        Fault::DatabaseClock(minutes) => world.database_clock.set(minutes),
    }
    vec![]
}

fn stop(pids: Vec<u32>) -> Vec<u32> {
    for pid in &pids {
        signal(&pid.to_string(), "STOP");
    }
    pids
}

/// Ends what does not end by itself. Clocks stay off until they are set again.
fn end(world: &World, fault: Fault, stopped: &[u32]) {
    for pid in stopped {
        signal(&pid.to_string(), "CONT");
    }
    match fault {
        Fault::StallDatabase(which) => world.instances[which].behind.pass(),
        Fault::StallClients(which) => world.instances[which].front.pass(),
        Fault::ReceiverFails | Fault::ReceiverSlow | Fault::ReceiverHangsUp | Fault::ReceiverSilent => {
            world.receiver.is(Mood::Fine);
            world.to_receiver.pass();
        }
        Fault::FillDisk => world.disk.empty(),
        _ => {}
    }
}

/// Ends everything that is left, and puts all clocks past whatever was put off by one that was ahead.
pub async fn heal(world: &World, told: &Told) {
    world.disk.empty();
    for instance in &world.instances {
        instance.behind.pass();
        instance.front.pass();
        instance.clock.set(super::plan::FARTHEST_MINUTES + 60);
    }
    world.database_clock.set(super::plan::FARTHEST_MINUTES + 60);
    world.receiver.is(Mood::Fine);
    world.to_receiver.pass();
    revive(world, told).await;
}

async fn kill(world: &World, told: &Told, which: usize) {
    let mut process = world.instances[which].process.lock().await;
    if let Some(ended) = process.ended() {
        told.broken("no server ends by itself", format!("server {which}: {ended}"));
    }
    if let Some(pid) = process.pid() {
        process.kill_server();
        wrong_clock::forget(pid);
    }
}

/// Starts servers that were killed, as often as it takes: without a database they do not start.
async fn revive(world: &World, told: &Told) {
    let revived = world.instances.iter().enumerate().map(|(which, instance)| async move {
        let mut process = instance.process.lock().await;
        if let Some(ended) = process.ended() {
            told.broken("no server ends by itself", format!("server {which}: {ended}"));
            process.kill_server();
        }
        let begun = Instant::now();
        while process.pid().is_none() {
            if let Err(why) = process.try_start().await {
                process.kill_server();
                if begun.elapsed() > UP_AGAIN_WITHIN {
                    told.broken("it gets up by itself", format!("server {which} does not start: {why}"));
                    return;
                }
            }
        }
    });
    futures::future::join_all(revived).await;
}

async fn gets_up(told: &Told) -> bool {
    let mut answers = told.answers();
    let goal = *answers.borrow() + ANSWERS_BETWEEN;
    tokio::time::timeout(UP_AGAIN_WITHIN, answers.wait_for(|answers| *answers >= goal)).await.is_ok()
}
