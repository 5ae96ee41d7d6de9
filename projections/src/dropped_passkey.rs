//! Passkeys that were dropped, whose devices are to go with them: rows of work.
//!
//! Whoever drops a passkey deregisters its devices before they say that it is done; this is for those who went away in
//! between.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::person::{Person, PersonEvent};
use mobid_domain::recorded::Recorded;
use sqlx::{PgConnection, PgExecutor};

use crate::projection::{ApplyError, Reactor};

pub const NAME: &str = "dropped_passkeys";

pub struct DroppedPasskeys;

#[async_trait]
impl Reactor for DroppedPasskeys {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Person::TYPE && event.event_type == PersonEvent::PASSKEY_DROPPED
    }

    async fn react(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        for event in events.iter().filter(|event| self.concerns(event)) {
            if let PersonEvent::PasskeyDropped { passkey_id, at, .. } = event.decode::<Person>()? {
                sqlx::query!(
                    "insert into dropped_passkeys (passkey_id, person_id, dropped_at) values ($1, $2, $3)
                     on conflict do nothing",
                    passkey_id.to_string(),
                    event.aggregate_id,
                    at
                )
                .execute(&mut *conn)
                .await?;
            }
        }
        Ok(())
    }
}

/// A passkey whose devices are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub passkey_id: String,
    pub person_id: String,
    pub dropped_at: DateTime<Utc>,
}

/// Up to `limit` that are due. Two who see to the same one do no harm, so nothing is claimed.
pub async fn due(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Dropped>, sqlx::Error> {
    sqlx::query_as!(
        Dropped,
        "select passkey_id, person_id, dropped_at from dropped_passkeys where next_attempt_at <= $1
         order by next_attempt_at limit $2",
        now,
        limit
    )
    .fetch_all(db)
    .await
}

/// Again at that time.
pub async fn put_off(
    db: impl PgExecutor<'_>,
    dropped: &Dropped,
    until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update dropped_passkeys set next_attempt_at = $2 where passkey_id = $1",
        dropped.passkey_id,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Nothing of it is left.
pub async fn done(db: impl PgExecutor<'_>, dropped: &Dropped) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from dropped_passkeys where passkey_id = $1", dropped.passkey_id)
        .execute(db)
        .await?;
    Ok(())
}
