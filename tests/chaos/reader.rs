//! A client that only looks, here and there: what it sees of one consent never goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::client::{Ask, Client};

const PACE: Duration = Duration::from_millis(10);

pub async fn run(client: Client, mut random: StdRng, stop: Arc<AtomicBool>) {
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    let mut pace = tokio::time::interval(PACE);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let (which, n) = (random.random_range(0..2), random.random_range(0..usize::MAX / 2));
        if random.random_bool(0.05) {
            list(&client, which).await;
            continue;
        }
        let Some(consent) = client.told.recent(n) else { continue };
        let ask = Ask::get(format!("/v1/service/consents/{consent}"));
        let Some(answer) = client.try_once(which, &ask).await else { continue };
        let before = seen.get(&consent).copied().unwrap_or(1);
        match answer.sequence {
            Some(sequence) if answer.status == 200 && sequence >= before => {
                seen.insert(consent, sequence);
            }
            _ => {
                let how =
                    format!("{consent} was at {before}, then {} at {:?}", answer.status, answer.sequence);
                client.told.broken("what is seen of a resource never goes back", how);
            }
        }
    }
}

async fn list(client: &Client, which: usize) {
    let ask = Ask::get("/v1/service/consents?limit=50".to_owned());
    let Some(answer) = client.try_once(which, &ask).await else { return };
    let items = answer.data()["items"].as_array().cloned().unwrap_or_default();
    let ids: BTreeSet<_> = items.iter().map(|item| item["id"].to_string()).collect();
    if answer.status != 200 || ids.len() != items.len() {
        let how =
            format!("a list answered {} with {} items, {} distinct", answer.status, items.len(), ids.len());
        client.told.broken("answers make sense", how);
    }
}
