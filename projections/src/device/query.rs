//! Questions to the devices read model.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::device::{Device, Status};
use mobid_domain::id::{ClientId, DeviceId, UserId};
use sqlx::PgPool;

use crate::projection::ApplyError;
use crate::stream::fold::{Folded, fold};
use crate::stream::reader::{self, AsOf};

/// The device as of now: its row if that has its last event, or else folded from the log.
pub async fn current(pool: &PgPool, id: DeviceId) -> Result<Option<Folded<Device>>, ApplyError> {
    let row = sqlx::query!(
        r#"select d.tenant, d.sequence, d.position, d.state::text as "state!" from devices d
           where d.id = $1 and d.sequence = (
               select e.sequence from events e where e.aggregate_type = 'device' and e.aggregate_id = $1
               order by e.sequence desc limit 1)"#,
        id.to_string()
    )
    .fetch_optional(pool)
    .await?;
    match row {
        Some(row) => Folded::of_row(row.tenant, row.sequence, row.position, &row.state).map(Some),
        None => fold(&reader::of_aggregate(pool, Device::TYPE, &id.to_string(), 0).await?),
    }
}

/// The device as it was.
pub async fn as_of(pool: &PgPool, id: DeviceId, as_of: AsOf) -> Result<Option<Folded<Device>>, ApplyError> {
    let mut events = reader::of_aggregate(pool, Device::TYPE, &id.to_string(), 0).await?;
    events.retain(|event| as_of.includes(event));
    fold(&events)
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    pub tenant: ClientId,
    pub user_id: Option<UserId>,
    pub status: Option<Status>,
}

/// Up to `limit` devices, newest first.
pub async fn list(
    pool: &PgPool,
    filter: Filter,
    after: Option<(DateTime<Utc>, &str)>,
    limit: i64,
) -> Result<Vec<(String, Folded<Device>)>, ApplyError> {
    let rows = sqlx::query!(
        r#"select id, tenant, sequence, position, state::text as "state!"
           from devices
           where tenant = $1
             and ($2::text is null or user_id = $2)
             and ($3::text is null or status = $3)
             and ($4::timestamptz is null or (registered_at, id) < ($4, $5))
           order by registered_at desc, id desc limit $6"#,
        filter.tenant.to_string(),
        filter.user_id.map(|id| id.to_string()),
        filter.status.map(Status::as_str),
        after.map(|(registered_at, _)| registered_at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}
