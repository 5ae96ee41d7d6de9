//! Who holds what may exist once only.

use super::store::EventStore;

impl EventStore {
    /// The id of the aggregate whose events took a claim, if it is taken.
    pub async fn holder_of(&self, kind: &str, key: &[u8]) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar!("select aggregate_id from claims where kind = $1 and key = $2", kind, key)
            .fetch_optional(self.pool())
            .await
    }
}
