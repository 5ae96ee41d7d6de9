//! Clients, asked of the log itself: they are few, have few events, and need no read model.

use mobid_domain::client::{Client, Status};
use mobid_domain::id::ClientId;
use sqlx::PgPool;

use crate::projection::ApplyError;
use crate::stream::fold::{Folded, fold};
use crate::stream::reader::{self, AsOf};

/// The client as of now, or as it was.
pub async fn find(
    pool: &PgPool,
    id: ClientId,
    as_of: Option<AsOf>,
) -> Result<Option<Folded<Client>>, ApplyError> {
    let mut events = reader::of_aggregate(pool, "client", &id.to_string(), 0).await?;
    events.retain(|event| as_of.is_none_or(|as_of| as_of.includes(event)));
    fold(&events)
}

/// Up to `limit` clients that are not deleted, newest first, after one of them.
pub async fn list(
    pool: &PgPool,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Folded<Client>)>, ApplyError> {
    let mut after = after.map(str::to_owned);
    let mut found = Vec::new();
    while found.len() < limit {
        let ids = created(pool, after.as_deref(), i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        let Some(last) = ids.last() else { break };
        after = Some(last.clone());
        let events = reader::of_aggregates(&mut *pool.acquire().await?, "client", &ids).await?;
        for of_one in events.chunk_by(|one, next| one.aggregate_id == next.aggregate_id) {
            let Some(folded) = fold::<Client>(of_one)? else { continue };
            if folded.state.account().is_some_and(|account| account.status != Status::Deleted) {
                found.push((of_one[0].aggregate_id.clone(), folded));
            }
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// The ids of all that there ever were.
pub async fn all(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("select aggregate_id from events where aggregate_type = 'client' and sequence = 1")
        .fetch_all(pool)
        .await
}

/// Ids of clients, newest first: they are in the order of their making.
async fn created(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select aggregate_id from events
         where aggregate_type = 'client' and sequence = 1 and ($1::text is null or aggregate_id < $1)
         order by aggregate_id desc limit $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await
}
