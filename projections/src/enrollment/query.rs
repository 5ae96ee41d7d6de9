//! Questions to the enrollments read model, and to the log where one enrollment is asked for.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::enrollment::{Enrollment, Status};
use mobid_domain::id::{ClientId, EnrollmentId, UserId};
use sqlx::{PgExecutor, PgPool};

use crate::projection::ApplyError;
use crate::stream::fold::{Folded, fold};
use crate::stream::reader::{self, AsOf};

/// The enrollment as of now, or as it was: it has few events.
pub async fn find(
    pool: &PgPool,
    id: EnrollmentId,
    as_of: Option<AsOf>,
) -> Result<Option<Folded<Enrollment>>, ApplyError> {
    let mut events = reader::of_aggregate(pool, Enrollment::TYPE, &id.to_string(), 0).await?;
    events.retain(|event| as_of.is_none_or(|as_of| as_of.includes(event)));
    fold(&events)
}

/// What a list is narrowed to; `now` decides what counts as expired.
#[derive(Debug, Clone)]
pub struct Filter {
    pub tenant: ClientId,
    pub now: DateTime<Utc>,
    pub status: Option<Status>,
    pub user_id: Option<UserId>,
}

/// Up to `limit` enrollments, newest first, after the one with this time and id.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    after: Option<&(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<(String, Folded<Enrollment>)>, ApplyError> {
    let rows = sqlx::query!(
        r#"select id, tenant, sequence, position, state::text as "state!"
           from enrollments
           where tenant = $1
             and ($2::text is null or user_id = $2)
             and ($3::text is null or $3 = case
                 when status in ('pending', 'device_registered') and expires_at <= $4 then 'expired' else status end)
             and ($5::timestamptz is null or (created_at, id) < ($5, $6))
           order by created_at desc, id desc
           limit $7"#,
        filter.tenant.to_string(),
        filter.user_id.map(|id| id.to_string()),
        filter.status.map(Status::as_str),
        filter.now,
        after.map(|(time, _)| *time),
        after.map(|(_, id)| id.as_str()),
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}

/// Up to `limit` open enrollments whose deadline has come, longest due first, after those given.
pub async fn due(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    after: Option<&(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select expires_at, id from enrollments
         where status in ('pending', 'device_registered') and expires_at <= $1
           and (expires_at, id) > (coalesce($2, '-infinity'::timestamptz), coalesce($3, ''))
         order by expires_at, id limit $4",
        now,
        after.map(|(due, _)| *due),
        after.map(|(_, id)| id.as_str()),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.expires_at, row.id)).collect())
}
