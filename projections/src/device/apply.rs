//! Devices as rows: what lists filter by, and the state itself as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::device::{Device, Holder};
use mobid_domain::recorded::Recorded;
use sqlx::PgConnection;

use crate::projection::{ApplyError, Pace, Projection};
use crate::stream::fold::{Folded, begun_earlier, fold_many};

pub const NAME: &str = "devices";

pub struct Devices;

#[async_trait]
impl Projection for Devices {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Device::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let events: Vec<_> =
            events.iter().map(Arc::as_ref).filter(|event: &&Recorded| self.concerns(event)).collect();
        if events.is_empty() {
            return Ok(());
        }
        let known = rows(conn, &begun_earlier(&events)).await?;
        let mut folded = fold_many(known, &events)?;
        // Neighbours in the indexes one after the other.
        folded.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        write(conn, &folded).await
    }

    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!("truncate devices").execute(conn).await?;
        Ok(())
    }

    /// A login asks which devices there are.
    fn pace(&self) -> Pace {
        Pace::Prompt
    }
}

/// The rows of some devices, as states.
async fn rows(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, Folded<Device>>, ApplyError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"select d.id as "id!", d.tenant as "tenant!", d.sequence as "sequence!", d.position as "position!",
                  d.state::text as "state!"
           from unnest($1::text[]) as u(id) cross join lateral (select * from devices d where d.id = u.id) d"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}

/// Writes states as rows; never an older one over a newer.
async fn write(conn: &mut PgConnection, folded: &[(String, Folded<Device>)]) -> Result<(), ApplyError> {
    let mut rows = Columns::default();
    for (id, folded) in folded {
        rows.push(id, folded)?;
    }
    sqlx::query!(
        "insert into devices (id, tenant, user_id, status, registered_at, sequence, position, state)
         select u.id, u.tenant, u.user_id, u.status, u.registered_at, u.sequence, u.position, u.state::json
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[],
                     $7::bigint[], $8::text[])
             as u(id, tenant, user_id, status, registered_at, sequence, position, state)
         on conflict (id) do update set
             status = excluded.status, sequence = excluded.sequence, position = excluded.position,
             state = excluded.state
         where devices.position < excluded.position",
        &rows.id,
        &rows.tenant,
        &rows.user_id,
        &rows.status,
        &rows.registered_at,
        &rows.sequence,
        &rows.position,
        &rows.state
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The rows of one statement, column by column.
#[derive(Default)]
struct Columns {
    id: Vec<String>,
    tenant: Vec<String>,
    user_id: Vec<String>,
    status: Vec<String>,
    registered_at: Vec<DateTime<Utc>>,
    sequence: Vec<i64>,
    position: Vec<i64>,
    state: Vec<String>,
}

impl Columns {
    fn push(&mut self, id: &str, folded: &Folded<Device>) -> Result<(), ApplyError> {
        let Some(device) = folded.state.known() else { return Ok(()) };
        let user_id = match device.holder {
            Holder::ClientUser { user_id, .. } | Holder::Person { user_id, .. } => user_id.to_string(),
        };
        self.id.push(id.to_owned());
        self.tenant.push(folded.tenant.clone());
        self.user_id.push(user_id);
        self.status.push(device.status().as_str().to_owned());
        self.registered_at.push(device.registered_at);
        self.sequence.push(folded.sequence);
        self.position.push(folded.position);
        self.state.push(serde_json::to_string(&folded.state)?);
        Ok(())
    }
}
