//! Events by the thousand, for whoever reads much of the log: `COPY … to stdout (format binary)` costs both ends a
//! fraction of what rows of a query do.
//!
//! Promises: a chunk is one short statement. A chunk that is not read to its end leaves the connection in the middle
//! of an answer, so the connection must be its reader's own, to be thrown away then: never one of a pool.

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use mobid_domain::recorded::Recorded;
use mobid_domain::upcast::upcasters;
use sqlx::PgConnection;
use uuid::Uuid;

/// What every copy begins with; flags and the length of an extension follow, four bytes each.
pub(super) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// What it takes to make a state.
const TO_FOLD: &str =
    "position, tenant, aggregate_id, sequence, event_type, event_version, payload, metadata";
const TO_FOLD_COUNT: i16 = 8;
/// What is in the log beside that.
const AND_THE_REST: &str = "event_id, aggregate_type, recorded_at";
const ALL_COUNT: i16 = 11;
/// Bytes of room that a text keeps when it is read into again; a longer one leaves again.
const ROOM: usize = 2 << 10;
/// In place of the number of columns, after the last row.
pub(super) const END: i16 = -1;
/// 2000-01-01, from where Postgres counts, in seconds of the Unix epoch.
pub(super) const POSTGRES_EPOCH: i64 = 946_684_800;

/// Up to `limit` events after a position, in order, in the place of `chunk`, whose room they take.
pub async fn chunk(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
    chunk: &mut Vec<Recorded>,
) -> Result<(), sqlx::Error> {
    // COPY takes no parameters; these two are numbers.
    let events = format!(
        "select {TO_FOLD}, {AND_THE_REST} from events where position > {after} order by position limit {limit}"
    );
    read(conn, &events, chunk).await
}

/// Up to `limit` events of a type of aggregates after one of them (its aggregate and sequence) and up to a position,
/// aggregate by aggregate, in the place of `chunk`; as far as it takes to make states of them, so without their ids,
/// when they were recorded, and, unless reading their payload takes it, their metadata.
pub async fn of_type(
    conn: &mut PgConnection,
    aggregate_type: &str,
    after: Option<&(String, i64)>,
    to: i64,
    limit: i64,
    chunk: &mut Vec<Recorded>,
) -> Result<(), sqlx::Error> {
    // What caused an event matters to upcasters alone.
    let columns =
        if upcasters().is_empty() { TO_FOLD.replace("metadata", "json '{}'") } else { TO_FOLD.to_owned() };
    let (id, sequence) = after.map_or(("", 0), |(id, sequence)| (id.as_str(), *sequence));
    let events = format!(
        "select {columns} from events
         where aggregate_type = {} and (aggregate_id, sequence) > ({}, {sequence}) and position <= {to}
         order by aggregate_id, sequence limit {limit}",
        quoted(aggregate_type),
        quoted(id)
    );
    read(conn, &events, chunk).await?;
    for event in chunk.iter_mut().filter(|event| event.aggregate_type != aggregate_type) {
        aggregate_type.clone_into(&mut event.aggregate_type);
    }
    Ok(())
}

/// As a string constant, whatever it holds: COPY takes no parameters.
fn quoted(text: &str) -> String {
    format!(" E'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

async fn read(conn: &mut PgConnection, events: &str, chunk: &mut Vec<Recorded>) -> Result<(), sqlx::Error> {
    let mut read = 0;
    each(conn, events, |bytes| {
        if read == chunk.len() {
            chunk.push(Recorded::default());
        }
        let any = bytes.event(&mut chunk[read])?;
        read += usize::from(any);
        Ok(any)
    })
    .await?;
    chunk.truncate(read);
    Ok(())
}

/// The rows of a query, one after the other, as the bytes of their columns: of each its length in four bytes and then
/// its type's binary form, so that the same bytes are the same row.
pub async fn rows(
    conn: &mut PgConnection,
    query: &str,
    mut row: impl FnMut(&[u8]),
) -> Result<(), sqlx::Error> {
    each(conn, query, |bytes| Ok(bytes.row()?.map(&mut row).is_some())).await
}

/// A time as such bytes have it.
pub fn time(time: DateTime<Utc>) -> [u8; 8] {
    (time.timestamp_micros() - POSTGRES_EPOCH * 1_000_000).to_be_bytes()
}

/// Lets each row be taken off a message, until none is left.
async fn each(
    conn: &mut PgConnection,
    query: &str,
    mut take: impl FnMut(&mut Bytes<'_>) -> Result<bool, sqlx::Error>,
) -> Result<(), sqlx::Error> {
    let mut messages = conn.copy_out_raw(&format!("copy ({query}) to stdout (format binary)")).await?;
    while let Some(message) = messages.try_next().await? {
        let mut bytes = Bytes(
            message.strip_prefix(SIGNATURE).map_or(&message[..], |rest| rest.get(8..).unwrap_or_default()),
        );
        // A message holds whole rows, in today's servers exactly one.
        while !bytes.0.is_empty() && take(&mut bytes)? {}
    }
    Ok(())
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The next row into an event; `false` at the end of the copy.
    fn event(&mut self, event: &mut Recorded) -> Result<bool, sqlx::Error> {
        let columns = i16::from_be_bytes(self.array()?);
        if columns == END {
            return Ok(false);
        }
        event.position = self.number()?;
        self.text(&mut event.tenant)?;
        self.text(&mut event.aggregate_id)?;
        event.sequence = self.number()?;
        self.text(&mut event.event_type)?;
        self.text(&mut event.event_version)?;
        self.text(&mut event.payload)?;
        self.text(&mut event.metadata)?;
        match columns {
            TO_FOLD_COUNT => Ok(true),
            ALL_COUNT => {
                event.event_id = Uuid::from_bytes(self.column_of()?);
                self.text(&mut event.aggregate_type)?;
                event.recorded_at = self.time()?;
                Ok(true)
            }
            columns => Err(unexpected(&format!("{columns} columns"))),
        }
    }

    /// The next row's columns, whatever they are; `None` at the end of the copy.
    fn row(&mut self) -> Result<Option<&'a [u8]>, sqlx::Error> {
        let columns = i16::from_be_bytes(self.array()?);
        if columns == END {
            return Ok(None);
        }
        let whole = self.0;
        for _ in 0..columns {
            let length = i32::from_be_bytes(self.array()?);
            // A null is of length -1.
            self.take(usize::try_from(length).unwrap_or_default())?;
        }
        Ok(whole.get(..whole.len() - self.0.len()))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], sqlx::Error> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| unexpected("a row that is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], sqlx::Error> {
        self.take(N)?.try_into().map_err(|_| unexpected("a length"))
    }

    fn column(&mut self) -> Result<&'a [u8], sqlx::Error> {
        let length = i32::from_be_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| unexpected("null"))?)
    }

    fn column_of<const N: usize>(&mut self) -> Result<[u8; N], sqlx::Error> {
        self.column()?.try_into().map_err(|_| unexpected("a column of another length"))
    }

    fn number(&mut self) -> Result<i64, sqlx::Error> {
        Ok(i64::from_be_bytes(self.column_of()?))
    }

    fn text(&mut self, into: &mut String) -> Result<(), sqlx::Error> {
        let text = std::str::from_utf8(self.column()?).map_err(|_| unexpected("text that is not UTF-8"))?;
        into.clear();
        if into.capacity() > ROOM {
            *into = String::new();
        }
        into.push_str(text);
        Ok(())
    }

    fn time(&mut self) -> Result<DateTime<Utc>, sqlx::Error> {
        let since_2000 = TimeDelta::microseconds(self.number()?);
        DateTime::from_timestamp(POSTGRES_EPOCH, 0)
            .and_then(|epoch| epoch.checked_add_signed(since_2000))
            .ok_or_else(|| unexpected("a time that chrono does not have"))
    }
}

fn unexpected(what: &str) -> sqlx::Error {
    sqlx::Error::Protocol(format!("a copy of events has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(row: &mut Vec<u8>, bytes: &[u8]) {
        row.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
        row.extend(bytes);
    }

    fn row() -> Vec<u8> {
        let mut row = ALL_COUNT.to_be_bytes().to_vec();
        column(&mut row, &7_i64.to_be_bytes());
        column(&mut row, b"cl_1");
        column(&mut row, b"cs_1");
        column(&mut row, &1_i64.to_be_bytes());
        for text in ["consent.expired", "1", r#"{"a": "é"}"#, "{}"] {
            column(&mut row, text.as_bytes());
        }
        column(&mut row, &[3; 16]);
        column(&mut row, b"consent");
        column(&mut row, &789_696_000_000_001_i64.to_be_bytes());
        row
    }

    #[test]
    fn a_row_is_the_event_that_it_says() {
        let mut message = row();
        message.extend(END.to_be_bytes());
        let mut bytes = Bytes(&message);
        // Whatever was there before is gone.
        let long = "x".repeat(ROOM + 1);
        let mut event = Recorded { payload: long, tenant: "another".to_owned(), ..Recorded::default() };
        assert!(bytes.event(&mut event).unwrap());
        assert_eq!((event.position, event.sequence, event.event_id), (7, 1, Uuid::from_bytes([3; 16])));
        assert_eq!((event.tenant.as_str(), event.aggregate_id.as_str()), ("cl_1", "cs_1"));
        assert_eq!(event.payload, r#"{"a": "é"}"#);
        assert_eq!(event.recorded_at, "2025-01-09T00:00:00.000001Z".parse::<DateTime<Utc>>().unwrap());
        assert!(event.payload.capacity() <= ROOM);
        assert!(!bytes.event(&mut event).unwrap());
    }

    #[test]
    fn a_row_of_any_columns_is_their_bytes_and_no_more() {
        let (mut message, one) = (row(), row());
        message.extend(row());
        message.extend(END.to_be_bytes());
        let mut bytes = Bytes(&message);
        assert_eq!(bytes.row().unwrap(), Some(&one[2..]));
        assert_eq!(bytes.row().unwrap(), Some(&one[2..]));
        assert_eq!(bytes.row().unwrap(), None);
        assert!((0..one.len()).all(|length| Bytes(&one[..length]).row().is_err()));
    }

    #[test]
    fn a_row_that_is_cut_short_is_an_error_wherever_it_is_cut() {
        let row = row();
        for length in 0..row.len() {
            assert!(Bytes(&row[..length]).event(&mut Recorded::default()).is_err(), "{length}");
        }
    }
}
