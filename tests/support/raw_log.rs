//! Events put into the log by hand, past the store and its rules.

use sqlx::{PgPool, Row};

/// One event of one command, as its bytes.
#[derive(Debug, Clone)]
pub struct RawEvent<'a> {
    pub tenant: &'a str,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    /// The sequence it follows.
    pub expected: i64,
    pub event_type: &'a str,
    pub payload: &'a str,
    /// With the command's id.
    pub metadata: &'a str,
}

/// Calls `append_batch`; the outcome it gave (none where the event went in) and the head before.
pub async fn append_raw(pool: &PgPool, event: &RawEvent<'_>) -> (Option<String>, i64) {
    let row = sqlx::query(
        "select outcomes[1] as outcome, base from append_batch(
             array[row(1, 1, gen_random_uuid(), $1, $2, $3, $4::bigint, $5, '1', $6::json, $7::json)::new_event],
             '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
    )
    .bind(event.tenant)
    .bind(event.aggregate_type)
    .bind(event.aggregate_id)
    .bind(event.expected)
    .bind(event.event_type)
    .bind(event.payload)
    .bind(event.metadata)
    .fetch_one(pool)
    .await
    .unwrap();
    (row.get("outcome"), row.get("base"))
}

/// Every row of every table as text; binary columns are hex.
async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public' order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let sql = format!("select t::text from {table} t");
        let rows: Vec<String> = sqlx::query_scalar(&sql).fetch_all(pool).await.unwrap();
        dump.extend(rows);
    }
    dump
}

/// Whether the database holds this text anywhere in the clear, in text or in bytes.
pub async fn is_legible(pool: &PgPool, text: &str) -> bool {
    let dump = dump(pool).await;
    dump.contains(text) || dump.contains(&mobid_domain::leaf::hex(text.as_bytes()))
}
