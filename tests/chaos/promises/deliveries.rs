//! Of deliveries: one for each event and target, each received, each saying where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use mobid_domain::id::EventId;
use mobid_domain::webhook::EventType;
use sqlx::PgPool;
use uuid::Uuid;

use super::super::told::Told;
use super::super::world::World;
use crate::support::outbox;

const CALLBACK: &str = "callback";
const ENDPOINT: &str = "endpoint";

/// An event that somebody is to hear of.
struct Due {
    position: i64,
    event_id: Uuid,
    aggregate_id: String,
    sequence: i64,
    target: &'static str,
}

/// By what the log and the clients say, not by what the outbox made of it.
async fn due(pool: &PgPool, told: &Told) -> Vec<Due> {
    let with_callback: BTreeSet<_> =
        told.all_created().into_values().filter(|created| created.with_callback).map(|c| c.consent).collect();
    let events: Vec<(i64, Uuid, String, i64, String)> = sqlx::query_as(
        "select position, event_id, aggregate_id, sequence, event_type from events order by position",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut due = Vec::new();
    for (position, event_id, aggregate_id, sequence, event_type) in events {
        let ends = ["consent.approved", "consent.rejected", "consent.expired", "consent.revoked"];
        let mut to = |target| {
            due.push(Due { position, event_id, aggregate_id: aggregate_id.clone(), sequence, target });
        };
        if EventType::parse(&event_type).is_some() {
            to(ENDPOINT);
        }
        if ends.contains(&event_type.as_str()) && with_callback.contains(&aggregate_id) {
            to(CALLBACK);
        }
    }
    due
}

pub async fn one_row_for_each_event_and_target(pool: &PgPool, told: &Told) {
    let rows: Vec<(i64, String)> = sqlx::query_as("select event_position, target from webhook_deliveries")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut counts: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for (position, target) in &rows {
        let target = if target == CALLBACK { CALLBACK } else { ENDPOINT };
        *counts.entry((*position, target)).or_default() += 1;
    }
    let mut wrong = Vec::new();
    for due in due(pool, told).await {
        match counts.remove(&(due.position, due.target)) {
            Some(1) => {}
            found => {
                let found = found.unwrap_or(0);
                wrong.push(format!("position {} to {}: {found}", due.position, due.target));
            }
        }
    }
    wrong.extend(counts.keys().map(|(position, target)| format!("position {position} to {target}: not due")));
    if !wrong.is_empty() {
        let how = format!("{} wrong, such as {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        told.broken("one delivery for each event and target", how);
    }
}

pub async fn each_was_received(world: &World, pool: &PgPool, told: &Told) {
    let heard = world.receiver.heard();
    let mut wrong = Vec::new();
    for due in due(pool, told).await {
        let id = EventId(due.event_id).to_string();
        let said = heard.get(&(due.target.to_owned(), id));
        let right = said.is_some_and(|heard| {
            heard.taken
                && heard.consistent
                && heard.session == due.aggregate_id
                && heard.sequence == due.sequence
        });
        if !right {
            wrong.push(format!("{} of {} to {}: {said:?}", due.sequence, due.aggregate_id, due.target));
        }
    }
    if !wrong.is_empty() {
        let how = format!("{} wrong, such as {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        told.broken("each delivery is received, with its place", how);
    }
    let again: usize = heard.values().map(|heard| heard.again).sum();
    eprintln!("deliveries: {} received, {again} of them once more than needed", heard.len());
}

/// A link goes out for each consent that asked for it, unless it ended before.
pub async fn links_were_sent(world: &World, pool: &PgPool, told: &Told) {
    let ended: Vec<String> = sqlx::query_scalar(
        "select distinct aggregate_id from events where aggregate_type = 'consent' and event_type <> 'consent.created'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let ended: BTreeSet<_> = ended.into_iter().collect();
    let sent: BTreeSet<_> = world
        .instances
        .iter()
        .flat_map(|instance| outbox(&instance.data_dir))
        .filter(|message| message["link"].is_string())
        .map(|message| message["resourceId"].as_str().unwrap_or_default().to_owned())
        .collect();
    for consent in told.all_to_notify() {
        if !sent.contains(&consent) && !ended.contains(&consent) {
            told.broken("each link is sent", consent);
        }
    }
}
