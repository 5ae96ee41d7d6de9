//! Who holds what may exist once only.

use std::collections::HashMap;

use super::store::EventStore;

/// Holders that are remembered.
pub(super) const REMEMBERED: u64 = 100_000;
/// What is claimed: its kind, and which one of it.
pub(super) type Claimed = (String, Vec<u8>);

impl EventStore {
    /// The id of the aggregate whose events took a claim, if it is taken. Whoever has taken one has it for ever, so that
    /// is asked once.
    pub async fn holder_of(&self, kind: &str, key: &[u8]) -> Result<Option<String>, sqlx::Error> {
        let claimed = (kind.to_owned(), key.to_vec());
        if let Some(holder) = self.holders().get(&claimed) {
            return Ok(Some(holder));
        }
        let found =
            sqlx::query_scalar!("select aggregate_id from claims where kind = $1 and key = $2", kind, key)
                .fetch_optional(self.pool())
                .await?;
        if let Some(holder) = &found {
            self.holders().insert(claimed, holder.clone());
        }
        Ok(found)
    }

    /// The same for several claims of a kind, as of one moment; those that are not taken are left out.
    pub async fn holders_of(
        &self,
        kind: &str,
        keys: &[Vec<u8>],
    ) -> Result<HashMap<Vec<u8>, String>, sqlx::Error> {
        let rows = sqlx::query!(
            "select key, aggregate_id from claims where kind = $1 and key = any($2)",
            kind,
            keys
        )
        .fetch_all(self.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.key, row.aggregate_id)).collect())
    }
}
