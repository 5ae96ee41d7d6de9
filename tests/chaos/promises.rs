//! Every promise that a run is held against, each in a function of its own.

mod deliveries;
mod endings;
mod log;
mod models;
mod processes;

use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::told::Told;
use super::world::World;

pub use models::watch_checkpoints;
pub use processes::end_well;

/// How long the followers, the sender and the sweep may take to come to rest once everything is well.
const AT_REST_WITHIN: Duration = Duration::from_mins(5);

/// Waits until there is nothing left to do.
pub async fn at_rest(pool: &PgPool, told: &Told) {
    let mut look = tokio::time::interval(Duration::from_millis(250));
    let begun = Instant::now();
    loop {
        look.tick().await;
        let left = to_do(pool).await;
        if left.is_empty() {
            return;
        }
        if told.loses_patience(begun.elapsed(), AT_REST_WITHIN) {
            told.broken("everything catches up", format!("left to do: {left}"));
            return;
        }
    }
}

/// What followers, sender, notices and sweep still have to do.
async fn to_do(pool: &PgPool) -> String {
    // The database's clock is where the servers' clocks are by now.
    let left: Result<Vec<(String, i64)>, _> = sqlx::query_as(
        "select name || ' is behind by', (select max(position) from events) - position from checkpoints
         where position <> (select max(position) from events)
         union all
         select 'deliveries ' || status, count(*) from webhook_deliveries where status <> 'succeeded' group by status
         union all
         select 'link notices', count(*) from link_notices having count(*) > 0
         union all
         select 'deadlines past', count(*) from deadlines where due_at < clock_timestamp() - interval '10 seconds'
         having count(*) > 0",
    )
    .fetch_all(pool)
    .await;
    match left {
        Ok(left) => {
            left.iter().map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join(", ")
        }
        Err(error) => error.to_string(),
    }
}

/// Looks at everything while the servers still run.
pub async fn check(world: &World, pool: &PgPool, told: &Told) {
    log::positions_are_1_to_n(pool, told).await;
    log::time_never_runs_against_position(pool, told).await;
    log::sequences_are_1_to_m(pool, told).await;
    log::acknowledged_commands_are_in(pool, told).await;
    log::no_two_commands_made_one_event(told);
    log::one_consent_for_each_key(pool, told).await;
    endings::a_consent_ends_once(pool, told).await;
    endings::what_a_recipient_was_shown_is_in(pool, told).await;
    deliveries::one_row_for_each_event_and_target(pool, told).await;
    deliveries::each_was_received(world, pool, told).await;
    deliveries::links_were_sent(world, pool, told).await;
    models::checkpoints_only_moved_on(pool, told).await;
}

/// Looks at what needs the servers to be gone.
pub async fn check_stopped(world: &World, pool: &PgPool, told: &Told) {
    processes::logs_are_clean(world, told);
    models::read_models_are_what_the_log_says(world, told);
    models::a_fresh_fold_makes_the_same_rows(world, pool, told).await;
}
