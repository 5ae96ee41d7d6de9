//! Rows of a table in the form that `COPY … from stdin (format binary)` takes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::copy::{END, POSTGRES_EPOCH, SIGNATURE};

/// Rows under way to a table.
#[derive(Debug)]
pub struct Rows {
    bytes: Vec<u8>,
    last: Option<String>,
}

impl Rows {
    /// None yet, with room for so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(bytes);
        bytes.extend(SIGNATURE);
        bytes.extend([0; 8]);
        Self { bytes, last: None }
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Begins the row of an aggregate, which is to get so many columns.
    pub fn begin(&mut self, aggregate_id: &str, columns: i16) {
        self.bytes.extend(columns.to_be_bytes());
        aggregate_id.clone_into(self.last.get_or_insert_default());
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

    pub fn json(&mut self, value: &impl Serialize) -> serde_json::Result<()> {
        let at = self.bytes.len();
        self.bytes.extend([0; 4]);
        serde_json::to_writer(&mut self.bytes, value)?;
        let length = length(self.bytes.len() - at - 4);
        self.bytes[at..at + 4].copy_from_slice(&length);
        Ok(())
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
        self.bytes.extend(length(bytes.len()));
        self.bytes.extend(bytes);
    }
}

/// A column of 2 GiB is none that Postgres could hold: it refuses what then does not add up.
fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}
