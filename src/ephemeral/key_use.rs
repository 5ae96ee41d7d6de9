//! When each API key was last used; what other servers have seen, to ten seconds or so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use mobid_domain::id::KeyId;
use sqlx::{PgExecutor, PgPool};

/// Uses in this process that are not written down yet. Shared by clones.
#[derive(Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<KeyId, DateTime<Utc>>>>);

impl KeyUses {
    pub fn note(&self, key: KeyId, at: DateTime<Utc>) {
        self.noted().insert(key, at);
    }

    /// Writes down what was noted; what could not be stays noted.
    pub async fn write(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let noted = self.noted().clone();
        if noted.is_empty() {
            return Ok(());
        }
        let (keys, times): (Vec<_>, Vec<_>) = noted.iter().map(|(key, at)| (key.to_string(), *at)).unzip();
        sqlx::query!(
            "insert into client_keys_used (key_id, last_used_at)
             select * from unnest($1::text[], $2::timestamptz[]) as u(key_id, at) order by key_id
             on conflict (key_id) do update set last_used_at = excluded.last_used_at
             where client_keys_used.last_used_at < excluded.last_used_at",
            &keys,
            &times
        )
        .execute(pool)
        .await?;
        self.noted().retain(|key, at| noted.get(key) != Some(at));
        Ok(())
    }

    /// When these keys were last used: here a moment ago, or as far as it was written down.
    pub async fn last(
        &self,
        db: impl PgExecutor<'_>,
        keys: impl IntoIterator<Item = KeyId>,
    ) -> Result<HashMap<KeyId, DateTime<Utc>>, sqlx::Error> {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (key.to_string(), key)).collect();
        let names: Vec<_> = keys.keys().cloned().collect();
        let rows =
            sqlx::query!("select key_id, last_used_at from client_keys_used where key_id = any($1)", &names)
                .fetch_all(db)
                .await?;
        let written = rows.into_iter().filter_map(|row| Some((*keys.get(&row.key_id)?, row.last_used_at)));
        let mut last: HashMap<_, _> = written.collect();
        let noted = self.noted();
        for key in keys.into_values() {
            if let Some(at) = noted.get(&key) {
                last.entry(key).and_modify(|known| *known = (*known).max(*at)).or_insert(*at);
            }
        }
        Ok(last)
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<KeyId, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
