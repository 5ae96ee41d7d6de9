//! `WebAuthn` ceremonies that were begun: what was asked, kept here until the answer comes.
//!
//! Promises: any instance completes what another began; a ceremony is taken once, by who began it and for what it was
//! begun, within five minutes by the app's clock; a row says neither whose nor what it is.
//!
//! Taking is waited for to be durable, though whatever comes of a ceremony is appended to the same write-ahead log
//! afterwards: an append that a crash of the database took with it is sent again, and this is not.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use mobid_domain::id::CeremonyId;
use mobid_projections::stream::warm::Warm;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgPool};

use crate::rounds::Rounds;
use crate::vault::{MasterKey, SealError, VaultError};

/// How long a ceremony may take.
pub const GOOD: TimeDelta = TimeDelta::minutes(5);
/// Ceremonies that one round takes at the most.
const ROUND: usize = 256;
const PURPOSE: &str = "mobid/ceremony";

/// What a ceremony is bound to besides what is in it: its kind, and who began it.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// A word of the caller's own, the same for beginning and completing.
    pub kind: &'static str,
    /// A client's id, or a browser's session and what it looks at.
    pub holder: &'a [&'a [u8]],
}

/// Ceremonies of one database. Cheap to clone.
#[derive(Clone)]
pub struct Ceremonies {
    pool: PgPool,
    master: MasterKey,
    taking: Rounds<Asked, Option<Taken>>,
}

struct Asked {
    id: String,
    binding: [u8; 32],
}

struct Taken {
    sealed: Vec<u8>,
    expires_at: DateTime<Utc>,
}

impl Ceremonies {
    pub fn start(pool: PgPool, master: MasterKey) -> Self {
        let warm = Warm::new(pool.clone());
        let taking = Rounds::start(1, ROUND, move |asked| {
            let warm = warm.clone();
            async move {
                let mut conn = warm.take().await?;
                let taken = take(&mut conn, asked).await?;
                warm.keep(conn);
                Ok(taken)
            }
        });
        Self { pool, master, taking }
    }

    /// Keeps what completing will need; answers under which id, and until when.
    pub async fn begin(
        &self,
        bound: Binding<'_>,
        state: &impl Serialize,
        now: DateTime<Utc>,
    ) -> Result<(CeremonyId, DateTime<Utc>), VaultError> {
        let (id, expires_at) = (CeremonyId(crate::ids::new_id()), now + GOOD);
        let binding = self.hash(bound);
        let plain = serde_json::to_vec(state).map_err(|_| SealError::Malformed)?;
        let sealed = self.master.seal(PURPOSE, &place(id, &binding), &plain)?;
        sqlx::query!(
            "insert into ceremonies (id, binding, sealed, expires_at) values ($1, $2, $3, $4)",
            id.to_string(),
            &binding[..],
            sealed,
            expires_at
        )
        .execute(&self.pool)
        .await?;
        Ok((id, expires_at))
    }

    /// What was kept, once: `None` if it is over, was taken already, is bound to something else or never was.
    pub async fn take<T: DeserializeOwned>(
        &self,
        id: CeremonyId,
        bound: Binding<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<T>, VaultError> {
        let binding = self.hash(bound);
        let taken = self.taking.ask(Asked { id: id.to_string(), binding }).await?;
        let Some(taken) = taken.filter(|taken| now < taken.expires_at) else { return Ok(None) };
        let plain = self.master.open(PURPOSE, &place(id, &binding), &taken.sealed)?;
        // What an older or newer program kept may be of another form: then it is as good as gone.
        Ok(serde_json::from_slice(&plain).ok())
    }

    fn hash(&self, bound: Binding<'_>) -> [u8; 32] {
        let parts: Vec<&[u8]> =
            std::iter::once(bound.kind.as_bytes()).chain(bound.holder.iter().copied()).collect();
        self.master.hmac("mobid/ceremony-binding", &parts)
    }
}

fn place(id: CeremonyId, binding: &[u8; 32]) -> Vec<u8> {
    [id.0.as_bytes().as_slice(), binding].concat()
}

async fn take(conn: &mut PgConnection, asked: Vec<Asked>) -> Result<Vec<Option<Taken>>, sqlx::Error> {
    let ids: Vec<_> = asked.iter().map(|asked| asked.id.as_str()).collect();
    let bindings: Vec<_> = asked.iter().map(|asked| &asked.binding[..]).collect();
    // This connection is for nothing else. Whatever the planner knows of a table that is mostly empty, there is an index.
    sqlx::query!(r#"select set_config('enable_seqscan', 'off', false) as "scan""#)
        .fetch_one(&mut *conn)
        .await?;
    // What somebody else is taking just now is taken; waiting for each other, two could wait for ever.
    let rows = sqlx::query!(
        r#"with taken as materialized (
               select c.id
               from unnest($1::text[], $2::bytea[]) as asked(id, binding)
               cross join lateral (
                   select c.id from ceremonies c
                   where c.id = asked.id and c.binding = asked.binding limit 1 for update skip locked
               ) c
           )
           delete from ceremonies c using taken where c.id = taken.id
           returning c.id as "id!", c.binding as "binding!", c.sealed as "sealed!", c.expires_at as "expires_at!""#,
        &ids as _,
        &bindings as _
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut rows: HashMap<String, (Vec<u8>, Taken)> = rows
        .into_iter()
        .map(|row| (row.id, (row.binding, Taken { sealed: row.sealed, expires_at: row.expires_at })))
        .collect();
    // Of two who ask for the same in one round, one gets it.
    let mut give = |asked: &Asked| {
        let is_theirs = rows.get(&asked.id).is_some_and(|(binding, _)| binding[..] == asked.binding[..]);
        if is_theirs { rows.remove(&asked.id).map(|(_, taken)| taken) } else { None }
    };
    Ok(asked.iter().map(&mut give).collect())
}

/// Removes up to `limit` ceremonies that nobody completed in time; answers how many.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select id from ceremonies where expires_at <= $1
             order by expires_at limit $2 for update skip locked
         )
         delete from ceremonies t using gone where t.id = gone.id",
        now,
        limit
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}
