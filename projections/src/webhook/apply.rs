//! Endpoints as rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cqrs_es::Aggregate;
use mobid_domain::recorded::Recorded;
use mobid_domain::webhook::Endpoint;
use sqlx::PgConnection;

use crate::projection::{ApplyError, Projection};
use crate::stream::fold::{Folded, begun_earlier, fold_many};

pub const NAME: &str = "webhook_endpoints";

pub struct Endpoints;

#[async_trait]
impl Projection for Endpoints {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Endpoint::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let events: Vec<_> =
            events.iter().map(Arc::as_ref).filter(|event: &&Recorded| self.concerns(event)).collect();
        if events.is_empty() {
            return Ok(());
        }
        let known = rows(conn, &begun_earlier(&events)).await?;
        // Endpoints are few: a row each is plain and fast enough.
        for (id, folded) in fold_many(known, &events)? {
            write(conn, &id, &folded).await?;
        }
        Ok(())
    }

    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!("truncate webhook_endpoints").execute(conn).await?;
        Ok(())
    }
}

/// The rows of some endpoints, as states.
pub async fn rows(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, Folded<Endpoint>>, ApplyError> {
    let rows = sqlx::query!(
        r#"select id, tenant, sequence, position, state::text as "state!"
           from webhook_endpoints where id = any($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}

async fn write(conn: &mut PgConnection, id: &str, folded: &Folded<Endpoint>) -> Result<(), ApplyError> {
    let Some(registration) = folded.state.registration() else { return Ok(()) };
    sqlx::query!(
        "insert into webhook_endpoints (id, tenant, status, created_at, sequence, position, state)
         values ($1, $2, $3, $4, $5, $6, $7::text::json)
         on conflict (id) do update set
             status = excluded.status, sequence = excluded.sequence, position = excluded.position,
             state = excluded.state
         where webhook_endpoints.position < excluded.position",
        id,
        folded.tenant,
        registration.status.as_str(),
        registration.created_at,
        folded.sequence,
        folded.position,
        serde_json::to_string(&folded.state)?
    )
    .execute(conn)
    .await?;
    Ok(())
}
