//! Enrollments as rows: what lists filter by, and the state itself as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cqrs_es::Aggregate;
use mobid_domain::enrollment::Enrollment;
use mobid_domain::recorded::Recorded;
use sqlx::PgConnection;

use crate::projection::{ApplyError, Projection};
use crate::stream::fold::{Folded, begun_earlier, fold_many};

pub const NAME: &str = "enrollments";

pub struct Enrollments;

#[async_trait]
impl Projection for Enrollments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Enrollment::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let events: Vec<_> =
            events.iter().map(Arc::as_ref).filter(|event: &&Recorded| self.concerns(event)).collect();
        if events.is_empty() {
            return Ok(());
        }
        let known = rows(conn, &begun_earlier(&events)).await?;
        // A person enrolls once: a row each is plain and fast enough.
        for (id, folded) in fold_many(known, &events)? {
            write(conn, &id, &folded).await?;
        }
        Ok(())
    }

    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!("truncate enrollments").execute(conn).await?;
        Ok(())
    }
}

/// The rows of some enrollments, as states.
async fn rows(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, Folded<Enrollment>>, ApplyError> {
    let rows = sqlx::query!(
        r#"select id, tenant, sequence, position, state::text as "state!" from enrollments where id = any($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}

async fn write(conn: &mut PgConnection, id: &str, folded: &Folded<Enrollment>) -> Result<(), ApplyError> {
    let Some(session) = folded.state.session() else { return Ok(()) };
    sqlx::query!(
        "insert into enrollments
             (id, tenant, user_id, status, created_at, expires_at, sequence, position, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::json)
         on conflict (id) do update set
             user_id = excluded.user_id, status = excluded.status, expires_at = excluded.expires_at,
             sequence = excluded.sequence, position = excluded.position, state = excluded.state
         where enrollments.position < excluded.position",
        id,
        folded.tenant,
        session.user_id().to_string(),
        session.phase.recorded_status().as_str(),
        session.created_at,
        session.request.expires_at,
        folded.sequence,
        folded.position,
        serde_json::to_string(&folded.state)?
    )
    .execute(conn)
    .await?;
    Ok(())
}
