//! How a client is told where it stands: `X-RateLimit-*`, and `RateLimit-Policy` and `RateLimit` as the IETF's draft
//! (draft-ietf-httpapi-ratelimit-headers) has them.

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderValue};
use chrono::DateTime;

use super::{DAY, MINUTE, Policy, Usage, Window, seconds_until};
use crate::http::error::ApiError;

/// Adds what there is to say of a client that is limited.
pub fn describe(headers: &mut HeaderMap, usage: &Usage) {
    let windows = windows(usage);
    let (mut policies, mut states) = (vec![], vec![]);
    for (policy, window, length) in &windows {
        policies.push(format!("\"{}\";q={};w={length}", policy.name(), window.limit));
        let seconds = seconds_until(window.resets_at, usage.at);
        states.push(format!("\"{}\";r={};t={seconds}", policy.name(), window.remaining()));
    }
    if let Some((limit, under_way)) = usage.concurrent {
        let name = Policy::Concurrency.name();
        policies.push(format!("\"{name}\";q={limit};qu=\"concurrent-requests\""));
        states.push(format!("\"{name}\";r={}", limit.saturating_sub(under_way)));
    }
    if !policies.is_empty() {
        insert(headers, "ratelimit-policy", &policies.join(", "));
        insert(headers, "ratelimit", &states.join(", "));
    }
    // The window that is used up first; if both are, the one to wait for longer.
    let tightest = |window: &Window| (window.remaining(), Reverse(window.resets_at));
    if let Some((_, window, _)) = windows.iter().min_by_key(|(_, window, _)| tightest(window)) {
        insert(headers, "x-ratelimit-limit", &window.limit.to_string());
        insert(headers, "x-ratelimit-remaining", &window.remaining().to_string());
        // Unix time, rounded up as well.
        let reset = seconds_until(window.resets_at, DateTime::UNIX_EPOCH);
        insert(headers, "x-ratelimit-reset", &reset.to_string());
    }
}

/// The answer to a request that is too many.
pub fn refuse(usage: &Usage, policy: Policy) -> ApiError {
    let window = match policy {
        Policy::Minute => usage.minute,
        Policy::Day => usage.day,
        Policy::Concurrency => None,
    };
    // A place among the concurrent ones is free as soon as an answer is.
    let seconds = window.map_or(1, |window| seconds_until(window.resets_at, usage.at).max(1));
    let limit = window.map(|window| window.limit).or(usage.concurrent.map(|(limit, _)| limit));
    ApiError::rate_limited(policy.name(), limit, seconds)
}

fn windows(usage: &Usage) -> Vec<(Policy, Window, u64)> {
    let minute = usage.minute.map(|window| (Policy::Minute, window, MINUTE.as_secs()));
    let day = usage.day.map(|window| (Policy::Day, window, DAY.as_secs()));
    minute.into_iter().chain(day).collect()
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
