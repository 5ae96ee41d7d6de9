//! Consents as rows: what lists filter by, and the state itself as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cqrs_es::Aggregate;
use mobid_domain::consent::Consent;
use mobid_domain::recorded::Recorded;
use sqlx::PgConnection;

use crate::projection::{ApplyError, Pace, Projection};
use crate::stream::checkpoint::{Move, Moved};
use crate::stream::copy_in::Rows;
use crate::stream::fold::{Folded, begun_earlier, fold, fold_many};
use crate::stream::load::Load;

pub const NAME: &str = "consents";

pub struct Consents;

#[async_trait]
impl Projection for Consents {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn concerns(&self, event: &Recorded) -> bool {
        event.aggregate_type == Consent::TYPE
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let folded = fold_batch(conn, events).await?;
        if !folded.is_empty() {
            write(conn, &folded, None).await?;
        }
        Ok(())
    }

    async fn apply_and_move(
        &self,
        conn: &mut PgConnection,
        events: &[Arc<Recorded>],
        step: Move,
    ) -> Result<Option<Moved>, ApplyError> {
        let folded = fold_batch(conn, events).await?;
        write(conn, &folded, Some(step)).await.map(Some)
    }

    async fn reset(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!("truncate consents").execute(conn).await?;
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace::Prompt
    }

    fn load(&self) -> Option<Load> {
        Some(Load {
            aggregate_type: Consent::TYPE,
            table: "consents",
            columns: "id, tenant, user_id, status, purpose, created_at, expires_at, sequence, position, state",
            last: "select max(id) from consents",
            row,
        })
    }
}

/// The states after a batch of events, neighbours in the indexes one after the other.
async fn fold_batch(
    conn: &mut PgConnection,
    events: &[Arc<Recorded>],
) -> Result<Vec<(String, Folded<Consent>)>, ApplyError> {
    let events: Vec<_> = events
        .iter()
        .map(Arc::as_ref)
        .filter(|event: &&Recorded| event.aggregate_type == Consent::TYPE)
        .collect();
    let known = rows(conn, &begun_earlier(&events)).await?;
    let mut folded = fold_many(known, &events)?;
    folded.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(folded)
}

fn row(events: &[Recorded], rows: &mut Rows) -> Result<(), ApplyError> {
    let Some(folded) = fold::<Consent>(events)? else { return Ok(()) };
    let (Some(first), Some(session)) = (events.first(), folded.state.session()) else { return Ok(()) };
    rows.begin(&first.aggregate_id, 10);
    rows.text(&first.aggregate_id);
    rows.text(&folded.tenant);
    rows.text(&session.request.user_id.to_string());
    rows.text(session.phase.recorded_status().as_str());
    rows.text(session.request.purpose.as_str());
    rows.time(session.created_at);
    rows.time(session.request.expires_at);
    rows.number(folded.sequence);
    rows.number(folded.position);
    Ok(rows.json(&folded.state)?)
}

/// The rows of some consents, as states.
pub async fn rows(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, Folded<Consent>>, ApplyError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"select c.id as "id!", c.tenant as "tenant!", c.sequence as "sequence!", c.position as "position!",
                  c.state::text as "state!"
           from unnest($1::text[]) as u(id) cross join lateral (select * from consents c where c.id = u.id) c"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, Folded::of_row(row.tenant, row.sequence, row.position, &row.state)?)))
        .collect()
}

/// Writes states as rows, never an older one over a newer; with a step, only if the checkpoint moves by it.
async fn write(
    conn: &mut PgConnection,
    folded: &[(String, Folded<Consent>)],
    step: Option<Move>,
) -> Result<Moved, ApplyError> {
    let mut rows = Columns::default();
    for (id, folded) in folded {
        rows.push(id, folded)?;
    }
    let became = sqlx::query_scalar!(
        r#"select write_consents($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) as "became!""#,
        step.map(|step| step.name),
        step.map(|step| step.version),
        step.map(|step| step.from),
        step.map(|step| step.to),
        &rows.id,
        &rows.tenant,
        &rows.user_id,
        &rows.status,
        &rows.purpose,
        &rows.created_at,
        &rows.expires_at,
        &rows.sequence,
        &rows.position,
        &rows.state,
    )
    .fetch_one(conn)
    .await?;
    Ok(Moved::of(&became))
}

/// The rows of one statement, column by column.
#[derive(Default)]
struct Columns {
    id: Vec<String>,
    tenant: Vec<String>,
    user_id: Vec<String>,
    status: Vec<String>,
    purpose: Vec<String>,
    created_at: Vec<chrono::DateTime<chrono::Utc>>,
    expires_at: Vec<chrono::DateTime<chrono::Utc>>,
    sequence: Vec<i64>,
    position: Vec<i64>,
    state: Vec<String>,
}

impl Columns {
    fn push(&mut self, id: &str, folded: &Folded<Consent>) -> Result<(), ApplyError> {
        let Some(session) = folded.state.session() else { return Ok(()) };
        self.id.push(id.to_owned());
        self.tenant.push(folded.tenant.clone());
        self.user_id.push(session.request.user_id.to_string());
        self.status.push(session.phase.recorded_status().as_str().to_owned());
        self.purpose.push(session.request.purpose.to_string());
        self.created_at.push(session.created_at);
        self.expires_at.push(session.request.expires_at);
        self.sequence.push(folded.sequence);
        self.position.push(folded.position);
        self.state.push(serde_json::to_string(&folded.state)?);
        Ok(())
    }
}
