//! Reports of abuse, asked of the log itself: they are few, have one event each, and need no read model.

use mobid_domain::report::Report;
use sqlx::PgPool;

use crate::projection::ApplyError;
use crate::stream::fold::fold;
use crate::stream::reader;

/// Up to `limit` reports with their ids, newest first, after one of them: ids are in the order of their making.
pub async fn list(
    pool: &PgPool,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<(String, Report)>, ApplyError> {
    let ids = sqlx::query_scalar!(
        "select aggregate_id from events
         where aggregate_type = 'report' and sequence = 1 and ($1::text is null or aggregate_id < $1)
         order by aggregate_id desc limit $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    let events = reader::of_aggregates(&mut *pool.acquire().await?, "report", &ids).await?;
    let mut found = Vec::with_capacity(ids.len());
    for of_one in events.chunk_by(|one, next| one.aggregate_id == next.aggregate_id) {
        let Some(folded) = fold::<Report>(of_one)? else { continue };
        found.push((of_one[0].aggregate_id.clone(), folded.state));
    }
    found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    Ok(found)
}
