//! `/v1/service/consents`, as its consumers use it.

mod create;
mod expiry;
mod history;
mod list;
mod retrieve;
mod revoke;
mod summary;
mod sweep;
mod update;
mod versions;
mod waiting;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const CONSENTS: &str = "/v1/service/consents";

fn path_of(id: &str) -> String {
    format!("{CONSENTS}/{id}")
}

/// A time as the API writes it.
fn time(at: DateTime<Utc>) -> Value {
    json!(at)
}
