//! The binary form of COPY, as far as the log needs it.

use chrono::{DateTime, Utc};

/// Microseconds from 1970 to 2000, where Postgres counts from.
const EPOCH: i64 = 946_684_800_000_000;

/// Rows on their way.
pub struct Rows(Vec<u8>);

impl Rows {
    pub fn begin() -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        // Neither flags nor an extension of the header.
        bytes.extend([0; 8]);
        Self(bytes)
    }

    /// A row of so many columns begins.
    pub fn row(&mut self, columns: i16) {
        self.0.extend(columns.to_be_bytes());
    }

    /// Text, JSON or a UUID.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend(bytes);
    }

    pub fn bigint(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }

    pub fn timestamp(&mut self, at: DateTime<Utc>) {
        self.bigint(at.timestamp_micros() - EPOCH);
    }

    /// What has gathered so far.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// The rest, with the end mark.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend((-1_i16).to_be_bytes());
        self.0
    }
}
