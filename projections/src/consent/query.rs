//! Questions to the consents read model.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::Aggregate;
use mobid_domain::consent::{Consent, ConsentEvent, Status};
use mobid_domain::id::{ClientId, ConsentId, UserId};
use mobid_domain::recorded::Recorded;
use sqlx::{PgExecutor, PgPool};

use crate::projection::ApplyError;
use crate::stream::fold::{Folded, fold};
use crate::stream::reader::{self, AsOf};

/// A row of the read model, its state as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    tenant: String,
    sequence: i64,
    position: i64,
    state: String,
}

impl Row {
    pub fn read(&self) -> Result<Folded<Consent>, ApplyError> {
        Folded::of_row(self.tenant.clone(), self.sequence, self.position, &self.state)
    }
}

/// Those consents' rows that have their consent's last event: what they say is so as of now, on any instance and
/// without waiting. Whichever is missing is in the log, or nowhere: [`from_log`] tells.
pub async fn current(db: impl PgExecutor<'_>, ids: &[String]) -> Result<HashMap<String, Row>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id as "id!", c.tenant as "tenant!", c.sequence as "sequence!", c.position as "position!",
                  c.state as "state!"
           from unnest($1::text[]) as asked(id)
           cross join lateral (
               select e.sequence from events e
               where e.aggregate_type = 'consent' and e.aggregate_id = asked.id
               order by e.sequence desc limit 1
           ) newest
           cross join lateral (
               select c.id, c.tenant, c.sequence, c.position, c.state::text as state from consents c
               where c.id = asked.id limit 1
           ) c
           where c.sequence = newest.sequence"#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// The consent as of now, from the log alone.
pub async fn from_log(pool: &PgPool, id: ConsentId) -> Result<Option<Folded<Consent>>, ApplyError> {
    fold(&reader::of_aggregate(pool, Consent::TYPE, &id.to_string(), 0).await?)
}

/// Its events up to a moment, and whether it was revoked, then or since: if so its claims are shown nowhere, not even
/// as of before.
pub async fn events_as_of(
    pool: &PgPool,
    id: ConsentId,
    as_of: AsOf,
) -> Result<(Vec<Recorded>, bool), sqlx::Error> {
    let mut events = reader::of_aggregate(pool, Consent::TYPE, &id.to_string(), 0).await?;
    let revoked = events.iter().any(|event| event.event_type == ConsentEvent::REVOKED);
    events.retain(|event| as_of.includes(event));
    Ok((events, revoked))
}

/// The consent as it was, but for the claims of one that was revoked since.
pub async fn as_of(pool: &PgPool, id: ConsentId, as_of: AsOf) -> Result<Option<Folded<Consent>>, ApplyError> {
    let (events, revoked) = events_as_of(pool, id, as_of).await?;
    let mut folded = fold::<Consent>(&events)?;
    if let Some(folded) = &mut folded
        && revoked
    {
        folded.state.forget_claims();
    }
    Ok(folded)
}

/// What a list is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub tenant: ClientId,
    pub status: Option<Status>,
    pub purpose: Option<String>,
    pub user_id: Option<UserId>,
    pub created_after: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether it asks for more than whose and when.
    pub fn is_narrow(&self) -> bool {
        self.status.is_some() || self.purpose.is_some() || self.user_id.is_some()
    }
}

/// Where the next page begins: after the row with this time and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    pub created_at: DateTime<Utc>,
    pub id: String,
}

/// One page of a list: up to `limit` consents, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf {
    pub filter: Filter,
    pub after: Option<PageKey>,
    pub limit: i64,
}

/// Pages of whatever a tenant created in a span, several at once, each at the place of its question. Bounds that are
/// not given are put beyond every row, so that one plan with an index condition serves all.
pub async fn newest(db: impl PgExecutor<'_>, pages: &[PageOf]) -> Result<Vec<Vec<Row>>, sqlx::Error> {
    let tenants: Vec<_> = pages.iter().map(|page| page.filter.tenant.to_string()).collect();
    let times: Vec<_> = pages.iter().map(|page| page.after.as_ref().map(|key| key.created_at)).collect();
    let ids: Vec<_> = pages.iter().map(|page| page.after.as_ref().map(|key| key.id.as_str())).collect();
    let created_after: Vec<_> = pages.iter().map(|page| page.filter.created_after).collect();
    let created_before: Vec<_> = pages.iter().map(|page| page.filter.created_before).collect();
    let limits: Vec<_> = pages.iter().map(|page| page.limit).collect();
    let rows = sqlx::query!(
        r#"select asked.place as "place!", c.id as "id!", c.tenant as "tenant!", c.sequence as "sequence!",
                  c.position as "position!", c.state as "state!", c.created_at as "created_at!"
           from unnest($1::text[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
               with ordinality as asked(tenant, time, id, created_after, created_before, rows, place)
           cross join lateral (
               select c.id, c.tenant, c.sequence, c.position, c.state::text as state, c.created_at
               from consents c
               where c.tenant = asked.tenant
                 and (c.created_at, c.id)
                     < (coalesce(asked.time, 'infinity'::timestamptz), coalesce(asked.id, ''))
                 and c.created_at > coalesce(asked.created_after, '-infinity'::timestamptz)
                 and c.created_at < coalesce(asked.created_before, 'infinity'::timestamptz)
               order by c.created_at desc, c.id desc
               limit asked.rows
           ) c"#,
        &tenants,
        &times as _,
        &ids as _,
        &created_after as _,
        &created_before as _,
        &limits,
    )
    .fetch_all(db)
    .await?;
    let mut found: Vec<Vec<(DateTime<Utc>, Row)>> = vec![Vec::new(); pages.len()];
    for row in rows {
        if let Some(page) = usize::try_from(row.place - 1).ok().and_then(|place| found.get_mut(place)) {
            let (id, tenant, state) = (row.id, row.tenant, row.state);
            let position = row.position;
            page.push((row.created_at, Row { id, tenant, sequence: row.sequence, position, state }));
        }
    }
    // They come in order already, as long as the planner takes the questions one by one.
    let in_order = |mut page: Vec<(DateTime<Utc>, Row)>| {
        page.sort_by(|(a, x), (b, y)| (b, &y.id).cmp(&(a, &x.id)));
        page.into_iter().map(|(_, row)| row).collect()
    };
    Ok(found.into_iter().map(in_order).collect())
}

/// A page over several clients: of what was addressed to somebody as these users of theirs, newest first. Each client's
/// part comes in order off an index, so it takes as long as there are clients, however many consents there are.
pub async fn of_users(
    db: impl PgExecutor<'_>,
    users: &[(ClientId, UserId)],
    after: Option<&PageKey>,
    limit: i64,
) -> Result<Vec<PageKey>, sqlx::Error> {
    let (tenants, users): (Vec<_>, Vec<_>) =
        users.iter().map(|(tenant, user)| (tenant.to_string(), user.to_string())).unzip();
    sqlx::query_as!(
        PageKey,
        r#"select c.created_at as "created_at!", c.id as "id!"
           from unnest($1::text[], $2::text[]) as asked(tenant, user_id)
           cross join lateral (
               select c.created_at, c.id from consents c
               where c.tenant = asked.tenant and c.user_id = asked.user_id
                 and (c.created_at, c.id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, ''))
               order by c.created_at desc, c.id desc
               limit $5
           ) c
           order by c.created_at desc, c.id desc
           limit $5"#,
        &tenants,
        &users,
        after.map(|key| key.created_at),
        after.map(|key| key.id.as_str()),
        limit
    )
    .fetch_all(db)
    .await
}

/// A page of those with a status, a purpose or a recipient: which index leads there depends on which of them. `now`
/// decides what counts as expired.
pub async fn narrowed(pool: &PgPool, page: &PageOf, now: DateTime<Utc>) -> Result<Vec<Row>, sqlx::Error> {
    let PageOf { filter, after, limit } = page;
    // What shows as anything but expired is recorded so, and an index leads there.
    let recorded = filter.status.filter(|status| *status != Status::Expired);
    let mut tx = pool.begin().await?;
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(&mut *tx).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, tenant, sequence, position, state::text as "state!"
           from consents
           where tenant = $1
             and ($2::text is null or purpose = $2)
             and ($3::text is null or user_id = $3)
             and ($4::timestamptz is null or created_at > $4)
             and ($5::timestamptz is null or created_at < $5)
             and ($6::timestamptz is null or (created_at, id) < ($6, $7))
             and ($8::text is null or $8 = case
                 when status = 'pending' and expires_at <= $9 then 'expired' else status end)
             and ($11::text is null or status = $11)
           order by created_at desc, id desc
           limit $10"#,
        filter.tenant.to_string(),
        filter.purpose,
        filter.user_id.map(|id| id.to_string()),
        filter.created_after,
        filter.created_before,
        after.as_ref().map(|key| key.created_at),
        after.as_ref().map(|key| key.id.as_str()),
        filter.status.map(Status::as_str),
        now,
        limit,
        recorded.map(Status::as_str)
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// How many consents created in a span stand where, at a moment.
pub async fn count_by_status(
    pool: &PgPool,
    tenant: ClientId,
    created_from: DateTime<Utc>,
    created_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<(Status, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select case when status = 'pending' and expires_at <= $4 then 'expired' else status end as "status!",
                  count(*) as "count!"
           from consents
           where tenant = $1 and created_at >= $2 and created_at < $3
           group by 1"#,
        tenant.to_string(),
        created_from,
        created_before,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((Status::parse(&row.status)?, row.count))).collect())
}

/// How many consents were created on each day of a span, by where they stand at a moment. Days are UTC's.
pub async fn count_by_day(
    pool: &PgPool,
    tenant: ClientId,
    created_from: DateTime<Utc>,
    created_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<(NaiveDate, Status, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select (created_at at time zone 'UTC')::date as "day!",
                  case when status = 'pending' and expires_at <= $4 then 'expired' else status end as "status!",
                  count(*) as "count!"
           from consents
           where tenant = $1 and created_at >= $2 and created_at < $3
           group by 1, 2"#,
        tenant.to_string(),
        created_from,
        created_before,
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.day, Status::parse(&row.status)?, row.count))).collect())
}
