//! Of the log: nothing lost, nothing doubled, in order.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

use super::super::told::Told;
use super::super::writer::CREATED;

pub async fn positions_are_1_to_n(pool: &PgPool, told: &Told) {
    let (count, first, last): (i64, i64, i64) =
        sqlx::query_as("select count(*), min(position), max(position) from events")
            .fetch_one(pool)
            .await
            .unwrap();
    if (first, last) != (1, count) {
        told.broken("positions are 1…n", format!("{count} events from {first} to {last}"));
    }
}

pub async fn time_never_runs_against_position(pool: &PgPool, told: &Told) {
    let back: Option<i64> = sqlx::query_scalar(
        "select position from (select position, recorded_at < lag(recorded_at) over (order by position) as back
                               from events) e where back order by position limit 1",
    )
    .fetch_optional(pool)
    .await
    .unwrap();
    if let Some(position) = back {
        told.broken("time never runs against position", format!("it does at {position}"));
    }
}

pub async fn sequences_are_1_to_m(pool: &PgPool, told: &Told) {
    let wrong: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "select aggregate_id, count(*), count(distinct sequence), max(sequence) from events
         group by aggregate_type, aggregate_id
         having count(*) <> max(sequence) or count(distinct sequence) <> max(sequence) or min(sequence) <> 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for (id, count, distinct, last) in wrong.iter().take(5) {
        let how = format!("{id}: {count} events, {distinct} sequences, the last {last}");
        told.broken("sequences are 1…m", how);
    }
    let disordered: Option<String> = sqlx::query_scalar(
        "select aggregate_id from (
             select aggregate_id, sequence < lag(sequence) over (
                        partition by aggregate_type, aggregate_id order by position) as back from events) e
         where back limit 1",
    )
    .fetch_optional(pool)
    .await
    .unwrap();
    if let Some(id) = disordered {
        told.broken("sequences are 1…m", format!("{id}: later in the log, earlier in the resource"));
    }
}

/// Every success named a sequence, and at that sequence is an event of the kind that was asked for.
pub async fn acknowledged_commands_are_in(pool: &PgPool, told: &Told) {
    let logged: Vec<(String, i64, String)> = sqlx::query_as(
        "select aggregate_id, sequence, event_type from events where aggregate_type = 'consent'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let logged: BTreeMap<_, _> =
        logged.into_iter().map(|(id, sequence, kind)| ((id, sequence), kind)).collect();
    for done in told.all_done() {
        let found = logged.get(&(done.consent.clone(), done.sequence)).map(String::as_str);
        if found != Some(done.event_type) {
            let how = format!("{done:?} was acknowledged, the log has {found:?} there");
            told.broken("nothing acknowledged is lost", how);
        }
    }
}

pub fn no_two_commands_made_one_event(told: &Told) {
    let mut by_event: BTreeMap<(String, i64), String> = BTreeMap::new();
    for done in told.all_done() {
        let command = done.command.clone();
        if let Some(other) = by_event.insert((done.consent.clone(), done.sequence), command)
            && other != done.command
        {
            told.broken(
                "nothing acknowledged is lost",
                format!("{done:?} and {other} were told the same sequence"),
            );
        }
    }
}

/// Every key was sent until it was answered, so the log holds what was acknowledged and no more.
pub async fn one_consent_for_each_key(pool: &PgPool, told: &Told) {
    let promise = "one consent for each Idempotency-Key";
    let logged: Vec<String> =
        sqlx::query_scalar("select aggregate_id from events where event_type = $1 order by position")
            .bind(CREATED)
            .fetch_all(pool)
            .await
            .unwrap();
    let created = told.all_created();
    let by_key: BTreeSet<_> = created.values().map(|created| created.consent.clone()).collect();
    let logged: BTreeSet<_> = logged.into_iter().collect();
    if by_key.len() != created.len() {
        told.broken(promise, format!("{} keys made {} consents", created.len(), by_key.len()));
    }
    for id in logged.difference(&by_key).take(5) {
        told.broken(promise, format!("{id} is in the log and answered no key"));
    }
    for id in by_key.difference(&logged).take(5) {
        told.broken("nothing acknowledged is lost", format!("{id} was acknowledged and is not in the log"));
    }
    // Each key asks somebody else.
    let twice: Vec<(String, i64)> =
        sqlx::query_as("select user_id, count(*) from consents group by user_id having count(*) > 1 limit 5")
            .fetch_all(pool)
            .await
            .unwrap();
    for (user, count) in twice {
        told.broken(promise, format!("{user} was asked {count} times"));
    }
}
