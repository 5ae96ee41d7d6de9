//! `GET /v1/service/consents/summary`: counts by status for a month.

use axum::extract::State;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use mobid_domain::consent::Status;
use mobid_projections::consent::{apply, query as consents};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::read_model::caught_up;

pub async fn summary(client: ApiClient, State(app): State<App>, mut query: Query) -> ApiResult {
    let period = query.take("period", "a month such as 2025-01", month);
    query.finish()?;
    let now = app.clock.now();
    let (from, before) =
        period.or_else(|| span(now.year(), now.month())).ok_or_else(ApiError::server_error)?;
    let position = caught_up(&app, &client, apply::NAME).await?;
    let counted = consents::count_by_status(&app.pool, client.id, from, before, now).await?;
    let total: i64 = counted.iter().map(|(_, count)| count).sum();
    let counts: Map<String, Value> = Status::ALL
        .into_iter()
        .map(|status| {
            let count = counted.iter().find(|(counted, _)| *counted == status).map_or(0, |(_, count)| *count);
            (status.as_str().to_owned(), json!(count))
        })
        .collect();
    let period = from.format("%Y-%m").to_string();
    Ok(ok("Consent summary", &json!({ "period": period, "total": total, "counts": counts }))?
        .position(position))
}

/// `YYYY-MM` as a span in UTC.
fn month(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
        return None;
    }
    span(year.parse().ok()?, month.parse().ok()?)
}

fn span(year: i32, month: u32) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let next = first.checked_add_months(Months::new(1))?;
    Some((first.and_hms_opt(0, 0, 0)?.and_utc(), next.and_hms_opt(0, 0, 0)?.and_utc()))
}
