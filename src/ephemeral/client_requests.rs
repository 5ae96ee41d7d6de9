//! How many requests of each client came on each day.
//!
//! Counted in memory and written down every few seconds, never while somebody waits for an answer. Each running server
//! has rows of its own, which say all that it has counted so far: one that is written twice changes nothing, so when
//! nobody knows whether a write went in, it is written again. A server that is killed loses its last few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{Days, NaiveDate};
use mobid_domain::id::ClientId;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::limits::Policy;

/// Days after which no server has anything left to write about a day.
const SETTLED_AFTER: Days = Days::new(7);
/// Days of which a server remembers what it has written.
const REMEMBERED: Days = Days::new(1);

/// Requests that were answered, and those that were one too many, by the limit that said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    pub admitted: i64,
    pub over_minute: i64,
    pub over_day: i64,
    pub over_concurrency: i64,
}

#[derive(Default)]
struct Tally {
    counted: Requests,
    written: Requests,
}

/// What this process has counted. Shared by clones.
#[derive(Clone)]
pub struct RequestCounts {
    instance: Uuid,
    days: Arc<Mutex<HashMap<(ClientId, NaiveDate), Tally>>>,
}

impl RequestCounts {
    /// `instance` is nobody else's, also after a restart.
    pub fn new(instance: Uuid) -> Self {
        Self { instance, days: Arc::default() }
    }

    pub fn admitted(&self, client: ClientId, day: NaiveDate) {
        self.days().entry((client, day)).or_default().counted.admitted += 1;
    }

    pub fn refused(&self, client: ClientId, day: NaiveDate, by: Policy) {
        let mut days = self.days();
        let counted = &mut days.entry((client, day)).or_default().counted;
        match by {
            Policy::Minute => counted.over_minute += 1,
            Policy::Day => counted.over_day += 1,
            Policy::Concurrency => counted.over_concurrency += 1,
        }
    }

    /// Writes down what is not yet, and forgets the days that are over.
    pub async fn write(&self, pool: &PgPool, today: NaiveDate) -> Result<(), sqlx::Error> {
        let changed: Vec<_> = self
            .days()
            .iter()
            .filter(|(_, tally)| tally.counted != tally.written)
            .map(|(of, tally)| (*of, tally.counted))
            .collect();
        if !changed.is_empty() {
            write(pool, self.instance, &changed).await?;
        }
        let mut days = self.days();
        for (of, counted) in changed {
            days.entry(of).or_default().written = counted;
        }
        days.retain(|(_, day), tally| tally.counted != tally.written || *day + REMEMBERED >= today);
        Ok(())
    }

    fn days(&self) -> MutexGuard<'_, HashMap<(ClientId, NaiveDate), Tally>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(
    db: impl PgExecutor<'_>,
    instance: Uuid,
    changed: &[((ClientId, NaiveDate), Requests)],
) -> Result<(), sqlx::Error> {
    let clients: Vec<_> = changed.iter().map(|((client, _), _)| client.to_string()).collect();
    let days: Vec<_> = changed.iter().map(|((_, day), _)| *day).collect();
    let of =
        |count: fn(&Requests) -> i64| changed.iter().map(|(_, counted)| count(counted)).collect::<Vec<_>>();
    sqlx::query!(
        "insert into client_requests
             (instance, client_id, day, admitted, over_minute, over_day, over_concurrency)
         select $1, * from unnest($2::text[], $3::date[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         on conflict (client_id, day, instance) do update
         set admitted = greatest(client_requests.admitted, excluded.admitted),
             over_minute = greatest(client_requests.over_minute, excluded.over_minute),
             over_day = greatest(client_requests.over_day, excluded.over_day),
             over_concurrency = greatest(client_requests.over_concurrency, excluded.over_concurrency)",
        instance,
        &clients,
        &days,
        &of(|counted| counted.admitted),
        &of(|counted| counted.over_minute),
        &of(|counted| counted.over_day),
        &of(|counted| counted.over_concurrency)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was written down of a client's days, both ends included.
pub async fn of_days(
    db: impl PgExecutor<'_>,
    client: ClientId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<HashMap<NaiveDate, Requests>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select day, sum(admitted)::bigint as "admitted!", sum(over_minute)::bigint as "over_minute!",
                  sum(over_day)::bigint as "over_day!", sum(over_concurrency)::bigint as "over_concurrency!"
           from client_requests where client_id = $1 and day between $2 and $3 group by day"#,
        client.to_string(),
        from,
        to
    )
    .fetch_all(db)
    .await?;
    let requests = rows.into_iter().map(|row| {
        let (admitted, over_minute) = (row.admitted, row.over_minute);
        let (over_day, over_concurrency) = (row.over_day, row.over_concurrency);
        (row.day, Requests { admitted, over_minute, over_day, over_concurrency })
    });
    Ok(requests.collect())
}

/// Makes one row of what several servers have counted of a day long over, of up to `limit` rows; answers how many.
pub async fn add_up(pool: &PgPool, today: NaiveDate, limit: i64) -> Result<u64, sqlx::Error> {
    let added = sqlx::query_scalar!(
        r#"with old as materialized (
             select client_id, day, instance from client_requests
             where instance <> '00000000-0000-0000-0000-000000000000' and day < $1
             order by day limit $2 for update skip locked
         ), gone as (
             delete from client_requests r using old
             where r.client_id = old.client_id and r.day = old.day and r.instance = old.instance returning r.*
         ), sums as (
             insert into client_requests as known
                 (instance, client_id, day, admitted, over_minute, over_day, over_concurrency)
             select '00000000-0000-0000-0000-000000000000', client_id, day, sum(admitted)::bigint,
                    sum(over_minute)::bigint, sum(over_day)::bigint, sum(over_concurrency)::bigint
             from gone group by client_id, day order by client_id, day
             on conflict (client_id, day, instance) do update
             set admitted = known.admitted + excluded.admitted,
                 over_minute = known.over_minute + excluded.over_minute,
                 over_day = known.over_day + excluded.over_day,
                 over_concurrency = known.over_concurrency + excluded.over_concurrency
         )
         select count(*) as "count!" from gone"#,
        today - SETTLED_AFTER,
        limit
    )
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(added).unwrap_or_default())
}
