//! Questions to the endpoints read model.

use chrono::{DateTime, Utc};
use mobid_domain::id::{ClientId, EndpointId};
use mobid_domain::webhook::Endpoint;
use sqlx::PgPool;

use crate::projection::ApplyError;
use crate::stream::fold::{Folded, fold};
use crate::stream::reader::{self, AsOf};

/// The endpoint as of now, from the log: endpoints have few events.
pub async fn current(pool: &PgPool, id: EndpointId) -> Result<Option<Folded<Endpoint>>, ApplyError> {
    fold(&reader::of_aggregate(pool, "webhook", &id.to_string(), 0).await?)
}

/// The endpoint as it was.
pub async fn as_of(
    pool: &PgPool,
    id: EndpointId,
    as_of: AsOf,
) -> Result<Option<Folded<Endpoint>>, ApplyError> {
    let mut events = reader::of_aggregate(pool, "webhook", &id.to_string(), 0).await?;
    events.retain(|event| as_of.includes(event));
    fold(&events)
}

/// Up to `limit` endpoints that are not deleted, newest first.
pub async fn list(
    pool: &PgPool,
    tenant: ClientId,
    after: Option<(DateTime<Utc>, &str)>,
    limit: i64,
) -> Result<Vec<(String, Folded<Endpoint>)>, ApplyError> {
    let rows = sqlx::query!(
        r#"select id, tenant, sequence, position, state::text as "state!"
           from webhook_endpoints
           where tenant = $1 and status <> 'deleted'
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        tenant.to_string(),
        after.map(|(created_at, _)| created_at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}
