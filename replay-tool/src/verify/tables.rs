//! The tables of consents as sums: what the log says they hold, and what they do hold.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use mobid_domain::consent::Consent;
use mobid_projections::stream::copy;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};

use super::aggregates::Whole;
use super::deadlines::due;
use super::sums::{Sums, Table};

/// How much of a table is read at a time, so that no snapshot is held for long.
const BLOCKS: i64 = 8192;

/// What a table is to hold of consents, summed up.
pub struct Expected {
    pub sums: Sums,
    row: Columns,
}

impl Expected {
    pub fn new(sums: Sums) -> Self {
        Self { sums, row: Columns(Vec::new()) }
    }

    pub fn add(&mut self, whole: &Whole<Consent>) -> serde_json::Result<()> {
        let Some(session) = whole.folded.state.session() else { return Ok(()) };
        let row = &mut self.row;
        // In the order in which `found` asks for them.
        row.0.clear();
        row.text(&whole.id);
        row.text(&whole.folded.tenant);
        row.text(&session.request.user_id.to_string());
        row.text(session.phase.recorded_status().as_str());
        row.text(session.request.purpose.as_str());
        row.time(session.created_at);
        row.time(session.request.expires_at);
        row.number(whole.folded.sequence);
        row.number(whole.folded.position);
        row.json(&whole.folded.state)?;
        self.sums.add(Table::Consents, &row.0);
        if let Some(due) = due(&whole.folded.state) {
            row.0.clear();
            row.text(&whole.id);
            row.text(Consent::TYPE);
            row.time(due);
            self.sums.add(Table::Deadlines, &row.0);
        }
        Ok(())
    }
}

/// A row's columns as COPY writes them.
struct Columns(Vec<u8>);

impl Columns {
    fn text(&mut self, text: &str) {
        self.column(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.column(&number.to_be_bytes());
    }

    fn time(&mut self, time: DateTime<Utc>) {
        self.column(&copy::time(time));
    }

    fn json(&mut self, value: &impl serde::Serialize) -> serde_json::Result<()> {
        let at = self.0.len();
        self.0.extend([0; 4]);
        serde_json::to_writer(&mut self.0, value)?;
        let length = length(self.0.len() - at - 4);
        self.0[at..at + 4].copy_from_slice(&length);
        Ok(())
    }

    fn column(&mut self, bytes: &[u8]) {
        self.0.extend(length(bytes.len()));
        self.0.extend(bytes);
    }
}

/// Nothing of 2 GiB comes out of Postgres; whatever were as long is not the same as any row.
fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}

/// Sums up the rows that there are. One that moves meanwhile may be missed or met twice, and is suspect then.
pub async fn found(mut sums: Sums, options: PgConnectOptions) -> Result<Sums, sqlx::Error> {
    let mut conn = options.connect().await?;
    conn.execute("set default_transaction_read_only = on").await?;
    let consents = "select id, tenant, user_id, status, purpose, created_at, expires_at, sequence, position, state \
                    from consents";
    whole(&mut conn, "consents", consents, |row| sums.add(Table::Consents, row)).await?;
    let deadlines = "select aggregate_id, aggregate_type, due_at from deadlines";
    whole(&mut conn, "deadlines", deadlines, |row| sums.add(Table::Deadlines, row)).await?;
    Ok(sums)
}

/// Reads a table as it lies there, a part at a time.
async fn whole(
    conn: &mut PgConnection,
    table: &'static str,
    select: &'static str,
    mut row: impl FnMut(&[u8]),
) -> Result<(), sqlx::Error> {
    let mut from = 0;
    loop {
        // The size as of the last part is soon enough: what is added meanwhile is not what the log said before.
        let blocks = sqlx::query_scalar!(
            r#"select pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint as "blocks!""#,
            table
        )
        .fetch_one(&mut *conn)
        .await?;
        if from >= blocks {
            return Ok(());
        }
        let to = from + BLOCKS;
        let part = format!("{select} where ctid >= '({from},0)' and ctid < '({to},0)'");
        copy::rows(conn, &part, &mut row).await?;
        from = to;
    }
}
