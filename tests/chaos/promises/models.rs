//! Of read models: what they say is what the log says, and followers only move on.

use std::process::Command;

use sqlx::{Executor, PgPool};

use super::super::told::Told;
use super::super::world::World;
use crate::support::process::sibling_program;

const PROJECTIONS: [&str; 4] = ["consents", "deadlines", "devices", "webhook_endpoints"];

/// Has the database itself remember every step back, however short. A crash that takes the last steps away is none.
pub async fn watch_checkpoints(pool: &PgPool) {
    pool.execute(
        "create table chaos_steps_back (name text not null, was bigint not null, became bigint not null);
         create function chaos_remember_step_back() returns trigger language plpgsql as $$
         begin
             insert into chaos_steps_back
             select new.name, max(position), new.position from checkpoint_moves
             where name = new.name and version = new.version having max(position) > new.position;
             return new;
         end
         $$;
         create trigger chaos_steps_back before insert on checkpoint_moves for each row
         execute function chaos_remember_step_back()",
    )
    .await
    .unwrap();
}

pub async fn checkpoints_only_moved_on(pool: &PgPool, told: &Told) {
    let back: Vec<(String, i64, i64)> =
        sqlx::query_as("select name, was, became from chaos_steps_back").fetch_all(pool).await.unwrap();
    if let Some(first) = back.first() {
        told.broken("checkpoints only move on", format!("{} steps back, such as {first:?}", back.len()));
    }
    pool.execute("drop trigger chaos_steps_back on checkpoint_moves").await.unwrap();
}

/// As the auditor's tool sees it.
pub fn read_models_are_what_the_log_says(world: &World, told: &Told) {
    let verified = replay_tool(world, &["verify"]);
    if !verified.status.success() {
        let text = String::from_utf8_lossy(&verified.stdout);
        let lines: Vec<_> = text.lines().take(5).collect();
        let how = format!("{} {}", lines.join(" "), String::from_utf8_lossy(&verified.stderr));
        told.broken("read models are what the log says", how);
    }
}

pub async fn a_fresh_fold_makes_the_same_rows(world: &World, pool: &PgPool, told: &Told) {
    let mut before = Vec::new();
    for table in PROJECTIONS {
        before.push(digest(pool, table).await);
    }
    let mut args = vec!["rebuild"];
    args.extend(PROJECTIONS.iter().flat_map(|name| ["--projection", name]));
    let rebuilt = replay_tool(world, &args);
    if !rebuilt.status.success() {
        told.broken(
            "a fresh fold makes the same rows",
            String::from_utf8_lossy(&rebuilt.stderr).into_owned(),
        );
    }
    for (table, before) in PROJECTIONS.into_iter().zip(before) {
        let after = digest(pool, table).await;
        if after != before {
            let how = format!("{table}: {before:?} before, {after:?} after");
            told.broken("a fresh fold makes the same rows", how);
        }
    }
}

/// How many rows, and a digest of all that they say.
async fn digest(pool: &PgPool, table: &str) -> (i64, String) {
    let sql = format!(
        "select count(*), coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') from {table} t"
    );
    sqlx::query_as(&sql).fetch_one(pool).await.unwrap()
}

fn replay_tool(world: &World, args: &[&str]) -> std::process::Output {
    Command::new(sibling_program("replay-tool"))
        .args(["--database-url", world.database_url()])
        .args(args)
        .output()
        .unwrap()
}
