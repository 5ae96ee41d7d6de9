//! `GET /v1/clients/{id}/usage`: what a client has used, day by day.
//!
//! Days are UTC's. Requests are as far as the servers have written them down, which they do every few seconds; consents
//! are those that were made on the day, by where they stand now.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use mobid_domain::consent::Status;
use mobid_domain::id::ClientId;
use mobid_projections::client as clients;
use mobid_projections::consent::{apply, query as consents};
use serde::Serialize;
use utoipa::ToSchema;

use super::may_see;
use crate::app::App;
use crate::ephemeral::client_requests::{self, Requests};
use crate::http::authentication::ApiClient;
use crate::http::envelope::{ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::read_model::caught_up;
use crate::http::router::Id;

/// Days that are shown if nobody says which, today included.
pub(super) const DEFAULT_DAYS: i64 = 30;
/// Days that are counted at once.
pub(super) const MAX_DAYS: i64 = 92;

#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct Body {
    id: String,
    from: NaiveDate,
    to: NaiveDate,
    total: Used,
    days: Vec<Day>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UsageOfADay)]
struct Day {
    day: NaiveDate,
    #[serde(flatten)]
    used: Used,
}

#[derive(Serialize, ToSchema)]
struct Used {
    requests: RequestsBody,
    consents: ConsentsBody,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RequestsCounted)]
struct RequestsBody {
    admitted: i64,
    refused: RefusedBody,
}

/// By the limit that refused them.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestsRefused)]
struct RefusedBody {
    minute: i64,
    day: i64,
    concurrency: i64,
}

/// Made in that time, by where they stand now.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentsCounted)]
struct ConsentsBody {
    total: i64,
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    counts: BTreeMap<&'static str, i64>,
}

pub async fn usage(
    client: ApiClient,
    Id(id): Id<ClientId>,
    State(app): State<App>,
    mut query: Query,
) -> ApiResult {
    let (now, mut day) = (app.clock.now(), |name| query.take(name, "a day such as 2025-01-15", parse_day));
    let (from, to) = (day("from"), day("to"));
    query.finish()?;
    let (from, to) = span(from, to, now.date_naive())?;
    may_see(&client, id)?;
    // A client that was deleted is to be billed all the same.
    clients::find(&app.pool, id, None).await?.ok_or_else(ApiError::not_found)?;
    let position = caught_up(&app, &client, apply::NAME).await?;
    let requests = client_requests::of_days(&app.pool, id, from, to).await?;
    let before = start_of(to + Days::new(1));
    let consents = consents::count_by_day(&app.pool, id, start_of(from), before, now).await?;
    let used = |included: &dyn Fn(NaiveDate) -> bool| Used {
        requests: requests_body(
            requests.iter().filter(|(day, _)| included(**day)).map(|(_, requests)| requests),
        ),
        consents: consents_body(consents.iter().filter(|(day, ..)| included(*day))),
    };
    let days = from.iter_days().take_while(|day| *day <= to);
    let days = days.map(|day| Day { day, used: used(&|other| other == day) }).collect();
    let body = Body { id: id.to_string(), from, to, total: used(&|_| true), days };
    Ok(ok("Client usage", &body)?.position(position))
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // Years of four digits, which the database knows as well.
    (text.len() == 10 && day.to_string() == text).then_some(day)
}

/// What was asked for, filled up: both ends are included.
fn span(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<(NaiveDate, NaiveDate), ApiError> {
    let default = chrono::TimeDelta::days(DEFAULT_DAYS - 1);
    let (from, to) = match (from, to) {
        (None, None) => (today - default, today),
        (None, Some(to)) => (to - default, to),
        (Some(from), None) => (from, today.max(from)),
        (Some(from), Some(to)) => (from, to),
    };
    if from > to || (to - from).num_days() >= MAX_DAYS {
        return Err(ApiError::bad_request(format!("From to to must be 1 to {MAX_DAYS} days.")));
    }
    Ok((from, to))
}

fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

fn requests_body<'a>(all: impl Iterator<Item = &'a Requests>) -> RequestsBody {
    let nothing = RequestsBody { admitted: 0, refused: RefusedBody { minute: 0, day: 0, concurrency: 0 } };
    all.fold(nothing, |mut sum, requests| {
        sum.admitted += requests.admitted;
        sum.refused.minute += requests.over_minute;
        sum.refused.day += requests.over_day;
        sum.refused.concurrency += requests.over_concurrency;
        sum
    })
}

fn consents_body<'a>(all: impl Iterator<Item = &'a (NaiveDate, Status, i64)>) -> ConsentsBody {
    let mut counts: BTreeMap<_, _> = Status::ALL.into_iter().map(|status| (status.as_str(), 0)).collect();
    let mut total = 0;
    for (_, status, count) in all {
        *counts.entry(status.as_str()).or_default() += count;
        total += count;
    }
    ConsentsBody { total, counts }
}
