//! How much a client may ask for: requests in a minute, in a day, and at the same time.
//!
//! Windows are fixed, and the first request opens one. What a client may use is looked up with its key, at each request:
//! another plan counts at once, and what was used of a window stays used. Counted is in Redis, together with the other
//! instances, or in this process: where there is no Redis, and while it is away. Who waits (`?wait=`, server-sent events) has
//! a cap of its own and gives its place among the concurrent requests back meanwhile.

mod headers;
mod local;
mod shared;
mod shield;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mobid_domain::client::Limits;
use mobid_domain::id::ClientId;

use self::local::Local;
use self::shared::Shared;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};

pub use headers::{describe, refuse};
pub use shared::Away;
pub use shield::Shield;

pub const MINUTE: Duration = Duration::from_mins(1);
pub const DAY: Duration = Duration::from_hours(24);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Minute,
    Day,
    Concurrency,
}

impl Policy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Concurrency => "concurrency",
        }
    }
}

/// What there is of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub limit: u32,
    pub used: u32,
    pub resets_at: DateTime<Utc>,
}

/// Whole seconds, rounded up: who comes then is not too early.
fn seconds_until(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    let micros = (at - now).num_microseconds().unwrap_or(i64::MAX).max(0);
    micros / 1_000_000 + i64::from(micros % 1_000_000 > 0)
}

impl Window {
    pub fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// Where a client stands once a request was counted, as far as it is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// By the clock that the windows go by.
    pub at: DateTime<Utc>,
    pub minute: Option<Window>,
    pub day: Option<Window>,
    /// The limit, and how many are under way.
    pub concurrent: Option<(u32, u32)>,
}

/// What becomes of a request.
pub enum Verdict {
    Admitted(Usage, Place),
    Refused(Usage, Policy),
}

/// A place among a client's concurrent requests: given back when it is dropped, or before.
pub struct Place(Mutex<Option<Taken>>);

/// Where a place was taken. Each gives it back when dropped.
#[expect(dead_code, reason = "held for being dropped")]
enum Taken {
    Here(local::Taken),
    Both(shared::Lease, local::Taken),
}

impl Place {
    /// For a request that is going to wait.
    pub fn give_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(…)")
    }
}

impl From<Taken> for Place {
    fn from(taken: Taken) -> Self {
        Self(Mutex::new(Some(taken)))
    }
}

/// Where requests are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counting {
    InProcess,
    Shared,
    /// In this process, as Redis is away.
    WithoutRedis(Away),
}

/// Counts requests, and says which are too many.
#[derive(Clone)]
pub struct Limiter {
    local: Local,
    shared: Option<Shared>,
    pub shield: Shield,
}

impl Limiter {
    pub fn start(config: &Config, clock: &Clock) -> Result<Self, ConfigError> {
        let timeout = Duration::from_millis(config.redis_timeout_milliseconds);
        let shared = config.redis()?.map(|client| Shared::start(client, timeout, clock.clone()));
        Ok(Self { local: Local::default(), shared, shield: Shield::default() })
    }

    pub async fn admit(&self, client: ClientId, limits: Limits, now: DateTime<Utc>) -> Verdict {
        let Some(shared) = &self.shared else { return self.here(client, limits, now) };
        match shared.admit(client, limits).await {
            Some((usage, Ok(there))) => {
                // Counted here as well: a Redis that goes away makes nobody a new client.
                let here = self.local.count(client, now);
                Verdict::Admitted(usage, Taken::Both(there, here).into())
            }
            Some((usage, Err(policy))) => Verdict::Refused(usage, policy),
            None => {
                metrics::counter!("mobid_limits_counted_without_redis_total").increment(1);
                self.here(client, limits, now)
            }
        }
    }

    fn here(&self, client: ClientId, limits: Limits, now: DateTime<Utc>) -> Verdict {
        match self.local.admit(client, limits, now) {
            (usage, Ok(here)) => Verdict::Admitted(usage, Taken::Here(here).into()),
            (usage, Err(policy)) => Verdict::Refused(usage, policy),
        }
    }

    /// Where a client stands in this process, without counting anything.
    pub fn usage(&self, client: ClientId, limits: Limits, now: DateTime<Utc>) -> Usage {
        self.local.usage(client, limits, now)
    }

    pub fn counting(&self) -> Counting {
        match self.shared.as_ref().map(Shared::away) {
            None => Counting::InProcess,
            Some(None) => Counting::Shared,
            Some(Some(away)) => Counting::WithoutRedis(away),
        }
    }

    /// Returns once it is known whether Redis is there, which takes a second at the most.
    pub async fn ready(&self) {
        if let Some(shared) = &self.shared {
            shared.tried().await;
        }
    }

    /// Gives back what would be taken until it ends by itself. For the end, when no request comes any more.
    pub async fn settle(&self) {
        if let Some(shared) = &self.shared {
            shared.settle().await;
        }
    }

    /// Forgets who has not asked for anything for as long as it counts.
    pub fn tidy(&self, now: DateTime<Utc>) {
        self.local.tidy(now);
        self.shield.tidy(now);
    }
}
