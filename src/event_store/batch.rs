//! Commands' events on their way into the log, gathered into one statement.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use mobid_domain::event::canonical_text;
use mobid_domain::recorded::Recorded;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::{Oid, PgRecordEncoder};
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{PgConnection, Postgres, Type};
use uuid::Uuid;

/// Events a batch holds at the most.
pub const MAX_EVENTS: usize = 512;
/// Bytes of payload and metadata a batch holds at the most (a single command may be larger).
pub const MAX_BYTES: usize = 4 << 20;

/// Something that may exist once only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    pub kind: &'static str,
    pub key: Vec<u8>,
}

/// The first answer to a POST with an `Idempotency-Key`, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    pub key: [u8; 32],
    pub fingerprint: [u8; 32],
    pub answer: Vec<u8>,
    pub at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// An event with its bytes.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub event_id: Uuid,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
}

/// Events as the log will have them: with ids of their own and the bytes that stay.
pub fn new_events<A: Aggregate>(events: &[A::Event]) -> Result<Vec<NewEvent>, serde_json::Error> {
    events
        .iter()
        .map(|event| {
            Ok(NewEvent {
                event_id: crate::ids::new_id(),
                event_type: event.event_type(),
                event_version: event.event_version(),
                payload: canonical_text(event)?,
            })
        })
        .collect()
}

/// The events of one command on one aggregate: all go in, or none.
#[derive(Debug, Clone)]
pub struct Append {
    pub tenant: String,
    pub aggregate_type: &'static str,
    pub aggregate_id: String,
    /// The sequence that was decided on; 0 for a new aggregate.
    pub expected: i64,
    /// One at least.
    pub events: Vec<NewEvent>,
    /// JSON text; the command's id in it tells whose events they are, should they be sent again.
    pub metadata: String,
    pub claims: Vec<Claim>,
    pub idempotency: Option<IdempotencyRecord>,
}

impl Append {
    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.payload.len() + self.metadata.len()).sum()
    }

    /// The position of its last event, if the first is at `position`.
    pub fn last(&self, position: i64) -> i64 {
        position + i64::try_from(self.events.len()).unwrap_or(0) - 1
    }

    /// The rows that the log has of it now.
    pub fn into_recorded(self, position: i64, recorded_at: DateTime<Utc>) -> impl Iterator<Item = Recorded> {
        let Self { tenant, aggregate_type, aggregate_id, expected, events, metadata, .. } = self;
        (position..).zip(expected + 1..).zip(events).map(move |((position, sequence), event)| Recorded {
            position,
            event_id: event.event_id,
            tenant: tenant.clone(),
            aggregate_type: aggregate_type.to_owned(),
            aggregate_id: aggregate_id.clone(),
            sequence,
            event_type: event.event_type,
            event_version: event.event_version,
            payload: event.payload,
            metadata: metadata.clone(),
            recorded_at,
        })
    }
}

/// What became of one command of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The events are in, the first at this position; since when, if it is not from an attempt before.
    Appended { position: i64, recorded_at: Option<DateTime<Utc>> },
    /// Somebody else appended to the aggregate, or its predecessor is not there.
    Conflict,
    /// A claim is taken.
    Claimed,
    /// The idempotency key has an answer.
    Answered,
}

/// Keeps commands apart that would get into each other's way within one statement.
#[derive(Default)]
pub struct Gathered {
    aggregates: HashSet<(&'static str, String)>,
    claims: HashSet<Claim>,
    answers: HashSet<[u8; 32]>,
    events: usize,
    bytes: usize,
}

impl Gathered {
    /// Whether the command can go out with those taken so far; then it counts as taken.
    pub fn takes(&mut self, append: &Append) -> bool {
        let first = self.events == 0;
        let fits =
            self.events + append.events.len() <= MAX_EVENTS && self.bytes + append.bytes() <= MAX_BYTES;
        let aggregate = (append.aggregate_type, append.aggregate_id.clone());
        let clashes = self.aggregates.contains(&aggregate)
            || append.claims.iter().any(|claim| self.claims.contains(claim))
            || append.idempotency.as_ref().is_some_and(|record| self.answers.contains(&record.key));
        if !first && (!fits || clashes) {
            return false;
        }
        self.aggregates.insert(aggregate);
        self.claims.extend(append.claims.iter().cloned());
        self.answers.extend(append.idempotency.as_ref().map(|record| record.key));
        self.events += append.events.len();
        self.bytes += append.bytes();
        true
    }

    pub fn is_full(&self) -> bool {
        self.events >= MAX_EVENTS || self.bytes >= MAX_BYTES
    }
}

/// Sends a batch as one statement, which commits on its own.
pub async fn send(conn: &mut PgConnection, batch: &[&Append]) -> Result<Vec<Outcome>, sqlx::Error> {
    if let [append] = batch
        && let Some(appended) = send_one(conn, append).await?
    {
        return Ok(vec![appended]);
    }
    let columns = Columns::of(batch);
    let row = sqlx::query!(
        r#"select base as "base!", stamped_at as "stamped_at!", outcomes as "outcomes: Vec<Option<String>>",
                  positions as "positions: Vec<Option<i64>>"
           from append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        &columns.rows as _,
        &columns.claim_commands,
        &columns.claim_kinds as _,
        &columns.claim_keys as _,
        &columns.claim_types as _,
        &columns.claim_ids as _,
        &columns.answer_commands,
        &columns.answer_keys as _,
        &columns.fingerprints as _,
        &columns.answers as _,
        &columns.answered_at,
        &columns.answers_expire_at,
    )
    .fetch_one(conn)
    .await?;
    // Without a word of any, all went in.
    let told = row.outcomes.unwrap_or_else(|| vec![None; batch.len()]);
    let positions = row.positions.unwrap_or_else(|| vec![None; batch.len()]);
    let mut next = row.base;
    let outcome =
        |(append, (outcome, position)): (&&Append, (Option<String>, Option<i64>))| match outcome.as_deref() {
            None => {
                let position = next + 1;
                next += i64::try_from(append.events.len()).unwrap_or(0);
                Outcome::Appended { position, recorded_at: Some(row.stamped_at) }
            }
            Some("appended") => Outcome::Appended { position: position.unwrap_or(0), recorded_at: None },
            Some("answered") => Outcome::Answered,
            Some("claimed") => Outcome::Claimed,
            Some(_) => Outcome::Conflict,
        };
    Ok(batch.iter().zip(told.into_iter().zip(positions)).map(outcome).collect())
}

/// The short way of a command that is alone in its batch; `None` if it is not as plain as that, or did not go in.
async fn send_one(conn: &mut PgConnection, append: &Append) -> Result<Option<Outcome>, sqlx::Error> {
    let ([event], [], None) = (&append.events[..], &append.claims[..], &append.idempotency) else {
        return Ok(None);
    };
    let row = sqlx::query!(
        "select appended_at, stamped_at from append_event($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        append.aggregate_type,
        append.aggregate_id,
        append.expected,
        event.event_id,
        append.tenant,
        event.event_type,
        event.event_version,
        event.payload,
        append.metadata,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.appended_at.map(|position| Outcome::Appended { position, recorded_at: row.stamped_at }))
}

/// An event as `append_batch` takes it: the composite type `new_event`, its fields in their order.
struct Row<'a> {
    /// The place of its command in the batch, from 1.
    command: i32,
    /// Its place among the events of the command, from 1.
    nth: i32,
    append: &'a Append,
    event: &'a NewEvent,
}

impl Type<Postgres> for Row<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("new_event")
    }
}

impl PgHasArrayType for Row<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("new_event")
    }
}

impl Encode<'_, Postgres> for Row<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Self { command, nth, append, event } = self;
        let mut fields = PgRecordEncoder::new(buffer);
        fields.encode(*command)?.encode(*nth)?.encode(event.event_id)?;
        fields.encode(append.tenant.as_str())?.encode(append.aggregate_type)?;
        fields.encode(append.aggregate_id.as_str())?.encode(append.expected)?;
        fields.encode(event.event_type.as_str())?.encode(event.event_version.as_str())?;
        fields.encode(JsonText(&event.payload))?.encode(JsonText(&append.metadata))?;
        fields.finish();
        Ok(IsNull::No)
    }
}

/// JSON that is text already, and stays as it is written.
struct JsonText<'a>(&'a str);

/// The type `json`, whose number is the same in every Postgres.
const JSON: Oid = Oid(114);

impl Type<Postgres> for JsonText<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl Encode<'_, Postgres> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// The arguments of `append_batch`; a command is named by its place in the batch, from 1.
#[derive(Default)]
struct Columns<'a> {
    rows: Vec<Row<'a>>,
    claim_commands: Vec<i32>,
    claim_kinds: Vec<&'a str>,
    claim_keys: Vec<&'a [u8]>,
    claim_types: Vec<&'a str>,
    claim_ids: Vec<&'a str>,
    answer_commands: Vec<i32>,
    answer_keys: Vec<&'a [u8]>,
    fingerprints: Vec<&'a [u8]>,
    answers: Vec<&'a [u8]>,
    answered_at: Vec<DateTime<Utc>>,
    answers_expire_at: Vec<DateTime<Utc>>,
}

impl<'a> Columns<'a> {
    fn of(batch: &[&'a Append]) -> Self {
        let mut columns = Self::default();
        for (command, append) in (1..).zip(batch) {
            columns.push(command, append);
        }
        columns
    }

    fn push(&mut self, command: i32, append: &'a Append) {
        let rows = (1..).zip(&append.events);
        self.rows.extend(rows.map(|(nth, event)| Row { command, nth, append, event }));
        for claim in &append.claims {
            self.claim_commands.push(command);
            self.claim_kinds.push(claim.kind);
            self.claim_keys.push(&claim.key);
            self.claim_types.push(append.aggregate_type);
            self.claim_ids.push(&append.aggregate_id);
        }
        if let Some(record) = &append.idempotency {
            self.answer_commands.push(command);
            self.answer_keys.push(&record.key);
            self.fingerprints.push(&record.fingerprint);
            self.answers.push(&record.answer);
            self.answered_at.push(record.at);
            self.answers_expire_at.push(record.expires_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(id: &str) -> Append {
        Append {
            tenant: String::new(),
            aggregate_type: "consent",
            aggregate_id: id.to_owned(),
            expected: 0,
            events: vec![NewEvent {
                event_id: Uuid::nil(),
                event_type: String::new(),
                event_version: String::new(),
                payload: "{}".to_owned(),
            }],
            metadata: "{}".to_owned(),
            claims: vec![],
            idempotency: None,
        }
    }

    #[test]
    fn two_commands_on_one_aggregate_go_out_one_after_the_other() {
        let mut gathered = Gathered::default();
        assert!(gathered.takes(&append("a")));
        assert!(gathered.takes(&append("b")));
        assert!(!gathered.takes(&append("a")));
    }

    #[test]
    fn a_command_larger_than_a_batch_goes_out_alone() {
        let mut large = append("a");
        large.events[0].payload = " ".repeat(MAX_BYTES + 1);
        let mut gathered = Gathered::default();
        assert!(gathered.takes(&large));
        assert!(!gathered.takes(&append("b")));
    }
}
