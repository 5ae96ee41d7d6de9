//! Of processes: none ends by itself, none panics, each ends well when told to.

use std::fs;

use super::super::told::Told;
use super::super::world::World;

pub async fn end_well(world: &World, told: &Told) {
    for (number, instance) in world.instances.iter().enumerate() {
        let mut process = instance.process.lock().await;
        if let Some(ended) = process.ended() {
            told.broken("no server ends by itself", format!("server {number}: {ended}"));
        } else if !process.terminate().await {
            told.broken("a server that is told to end ends well", format!("server {number}"));
        }
    }
}

pub fn logs_are_clean(world: &World, told: &Told) {
    let never = ["panicked at", "follower stopped", "delivery cannot be made", "invalid page in block"];
    for (name, path) in world.logs() {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut bad = text.lines().filter(|line| never.iter().any(|never| line.contains(never)));
        if let Some(line) = bad.next() {
            told.broken("nothing panics or gives up", format!("{name}: {line}"));
        }
    }
}
