//! How a client is told where it stands: `X-RateLimit-*`, and `RateLimit-Policy` and `RateLimit` as the IETF's draft
//! (draft-ietf-httpapi-ratelimit-headers) has them.

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::DateTime;

use super::{DAY, MINUTE, Policy, Usage, Window, seconds_until};
use crate::http::error::ApiError;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// Bytes that a list of all three policies takes.
const LONGEST: usize = 128;

/// Adds what there is to say of a client that is limited.
pub fn describe(headers: &mut HeaderMap, usage: &Usage) {
    let (mut policies, mut states) = (List::default(), List::default());
    for (policy, window, length) in windows(usage) {
        policies.item(policy).parameter("q", window.limit).parameter("w", length);
        let seconds = seconds_until(window.resets_at, usage.at);
        states.item(policy).parameter("r", window.remaining()).parameter("t", seconds);
    }
    if let Some((limit, under_way)) = usage.concurrent {
        policies.item(Policy::Concurrency).parameter("q", limit).text(";qu=\"concurrent-requests\"");
        states.item(Policy::Concurrency).parameter("r", limit.saturating_sub(under_way));
    }
    if let (Some(policies), Some(states)) = (policies.value(), states.value()) {
        headers.insert(POLICY, policies);
        headers.insert(STATE, states);
    }
    // The window that is used up first; if both are, the one to wait for longer.
    let tightest = |window: &Window| (window.remaining(), Reverse(window.resets_at));
    if let Some((_, window, _)) = windows(usage).min_by_key(|(_, window, _)| tightest(window)) {
        headers.insert(X_LIMIT, window.limit.into());
        headers.insert(X_REMAINING, window.remaining().into());
        // Unix time, rounded up as well.
        headers.insert(X_RESET, seconds_until(window.resets_at, DateTime::UNIX_EPOCH).into());
    }
}

/// A list of strings with parameters (RFC 9651, 3.1), written in one go: it goes out with every answer.
#[derive(Default)]
struct List(String);

impl List {
    fn item(&mut self, policy: Policy) -> &mut Self {
        if self.0.is_empty() {
            self.0.reserve(LONGEST);
        } else {
            self.0.push_str(", ");
        }
        self.text("\"").text(policy.name()).text("\"")
    }

    fn parameter(&mut self, name: &str, value: impl itoa::Integer) -> &mut Self {
        self.text(";").text(name).text("=").text(itoa::Buffer::new().format(value))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    /// None without an item.
    fn value(self) -> Option<HeaderValue> {
        if self.0.is_empty() { None } else { HeaderValue::try_from(self.0).ok() }
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

fn windows(usage: &Usage) -> impl Iterator<Item = (Policy, Window, u64)> {
    let minute = usage.minute.map(|window| (Policy::Minute, window, MINUTE.as_secs()));
    let day = usage.day.map(|window| (Policy::Day, window, DAY.as_secs()));
    minute.into_iter().chain(day)
}
