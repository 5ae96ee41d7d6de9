//! What a run was and what came of it, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sqlx::PgPool;

use super::plan::{Orders, Strike, counts};
use super::told::Told;

pub struct Summary {
    orders: Orders,
    blows: usize,
    faults: BTreeMap<String, usize>,
    took: Duration,
    events: BTreeMap<String, i64>,
    keys: usize,
    acknowledged: usize,
    decided: usize,
    deliveries: i64,
    attempts: i64,
    broken: usize,
}

impl Summary {
    pub async fn of(orders: &Orders, plan: &[Strike], told: &Told, pool: &PgPool, took: Duration) -> Self {
        let events: Vec<(String, i64)> = sqlx::query_as("select event_type, count(*) from events group by 1")
            .fetch_all(pool)
            .await
            .unwrap();
        let (deliveries, attempts): (i64, i64) =
            sqlx::query_as("select count(*), coalesce(sum(attempts), 0)::bigint from webhook_deliveries")
                .fetch_one(pool)
                .await
                .unwrap();
        Self {
            orders: orders.clone(),
            blows: plan.len(),
            faults: counts(plan),
            took,
            events: events.into_iter().collect(),
            keys: told.all_created().len(),
            acknowledged: told.all_done().len(),
            decided: told.all_decided().len(),
            deliveries,
            attempts,
            broken: told.all_broken().len(),
        }
    }

    /// To where `MOBID_TEST_CHAOS_RECORD` says, if it does.
    pub fn write(&self) {
        let path = std::env::var_os("MOBID_TEST_CHAOS_RECORD");
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            std::fs::write(path, self.to_string()).unwrap();
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orders { seed, seconds, server_kills, database_kills, cuts } = &self.orders;
        writeln!(f, "# A recorded run of the chaos\n")?;
        writeln!(
            f,
            "Orders: `seed={seed} seconds={seconds} server_kills={server_kills} database_kills={database_kills} cuts={cuts}`"
        )?;
        writeln!(f, "(`tests/chaos/run` makes them of its options). Two servers over one Postgres.\n")?;
        writeln!(f, "| | |\n|---|---:|")?;
        writeln!(
            f,
            "| took, with the checks | {} min {} s |",
            self.took.as_secs() / 60,
            self.took.as_secs() % 60
        )?;
        writeln!(f, "| blows, of one fault or two | {} |", self.blows)?;
        for (fault, count) in &self.faults {
            writeln!(f, "| `{fault}` | {count} |")?;
        }
        writeln!(f, "| idempotency keys answered | {} |", self.keys)?;
        writeln!(f, "| commands acknowledged | {} |", self.acknowledged)?;
        writeln!(f, "| decisions shown to recipients | {} |", self.decided)?;
        for (event_type, count) in &self.events {
            writeln!(f, "| `{event_type}` in the log | {count} |")?;
        }
        writeln!(f, "| deliveries, all received | {} |", self.deliveries)?;
        writeln!(f, "| attempts that were settled | {} |", self.attempts)?;
        writeln!(f, "| **promises broken** | **{}** |", self.broken)
    }
}
