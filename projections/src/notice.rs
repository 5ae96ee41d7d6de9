//! Links to be sent to recipients whose client asked for it (`notify`): rows of work for the notifier.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::consent::{Consent, ConsentEvent};
use mobid_domain::recorded::Recorded;
use sqlx::{PgConnection, PgExecutor};

use crate::projection::{ApplyError, Reactor};

pub const NAME: &str = "link_notices";

pub struct LinkNotices;

#[async_trait]
impl Reactor for LinkNotices {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Consent::TYPE && event.event_type == ConsentEvent::CREATED
    }

    async fn react(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        for event in events.iter().filter(|event| self.concerns(event)) {
            if let ConsentEvent::Created(created) = event.decode::<Consent>()?
                && created.notify
            {
                sqlx::query!(
                    "insert into link_notices (event_position, consent_id) values ($1, $2) on conflict do nothing",
                    event.position,
                    event.aggregate_id
                )
                .execute(&mut *conn)
                .await?;
            }
        }
        Ok(())
    }
}

/// A link to be sent, claimed for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub event_position: i64,
    pub consent_id: String,
    pub attempts: i32,
}

/// Claims up to `limit` notices for a while, by the database's clock.
pub async fn claim(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    lasts: Duration,
    limit: i64,
) -> Result<Vec<Notice>, sqlx::Error> {
    sqlx::query_as!(
        Notice,
        "with due as materialized (
             select event_position from link_notices
             where next_attempt_at <= $1 and (leased_until is null or leased_until <= clock_timestamp())
             order by next_attempt_at, event_position limit $3 for update skip locked
         )
         update link_notices n
         set leased_until = clock_timestamp() + make_interval(secs => $2), attempts = n.attempts + 1
         from due
         where n.event_position = due.event_position
         returning n.event_position, n.consent_id, n.attempts",
        now,
        lasts.as_secs_f64(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Makes a claim last: for as long again, from now on. Where somebody else has claimed it since, the count of attempts
/// tells.
pub async fn renew(db: impl PgExecutor<'_>, notices: &[Notice], lasts: Duration) -> Result<(), sqlx::Error> {
    let positions: Vec<_> = notices.iter().map(|notice| notice.event_position).collect();
    let attempts: Vec<_> = notices.iter().map(|notice| notice.attempts).collect();
    sqlx::query!(
        "update link_notices n set leased_until = clock_timestamp() + make_interval(secs => $3)
         from unnest($1::bigint[], $2::integer[]) as mine(event_position, attempts)
         where n.event_position = mine.event_position and n.attempts = mine.attempts
           and n.leased_until is not null",
        &positions,
        &attempts,
        lasts.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// It did not work: again at that time.
pub async fn put_off(
    db: impl PgExecutor<'_>,
    notice: &Notice,
    until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update link_notices set next_attempt_at = $3, leased_until = null
         where event_position = $1 and attempts = $2",
        notice.event_position,
        notice.attempts,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The link was sent, or need not be any more.
pub async fn done(db: impl PgExecutor<'_>, notice: &Notice) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from link_notices where event_position = $1", notice.event_position)
        .execute(db)
        .await?;
    Ok(())
}
