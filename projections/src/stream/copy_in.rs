//! Rows of a table in the form that `COPY … from stdin (format binary)` takes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::copy::{END, POSTGRES_EPOCH, SIGNATURE};

/// Rows under way to a table.
#[derive(Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    last: Option<String>,
}

impl Default for Rows {
    fn default() -> Self {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        Self { bytes, last: None }
    }
}

impl Rows {
    /// Begins the row of an aggregate, which is to get so many columns.
    pub fn begin(&mut self, aggregate_id: &str, columns: i16) {
        self.bytes.extend(columns.to_be_bytes());
        self.last = Some(aggregate_id.to_owned());
    }

    pub fn text(&mut self, text: &str) {
        self.column(text.as_bytes());
    }

    pub fn number(&mut self, number: i64) {
        self.column(&number.to_be_bytes());
    }

    pub fn time(&mut self, time: DateTime<Utc>) {
        self.number(time.timestamp_micros() - POSTGRES_EPOCH * 1_000_000);
    }

    /// The aggregate of the last row; `None` if there are no rows.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Writes them, in the connection's transaction.
    pub async fn send(mut self, conn: &mut PgConnection, into: &str) -> Result<(), sqlx::Error> {
        self.bytes.extend(END.to_be_bytes());
        let mut copy = conn.copy_in_raw(&format!("copy {into} from stdin (format binary)")).await?;
        copy.send(self.bytes).await?;
        copy.finish().await?;
        Ok(())
    }

    fn column(&mut self, bytes: &[u8]) {
        // A column of 2 GiB is none that Postgres could hold: it refuses what then does not add up.
        self.bytes.extend(i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.bytes.extend(bytes);
    }
}
