//! Limits that all instances share, in Redis.
//!
//! A request is counted by one script: in one round trip, and as if it were the only one. Both keys of a client hash to
//! one slot of a cluster. A place among the concurrent requests is a lease: its instance renews it while the request
//! lasts, and if the instance is gone it ends by itself.
//!
//! Whether a window is over is said by one clock, Redis' own: by the clocks of instances, which are never quite the
//! same, the one ahead would open the next window while another still fills this one, and more would get in than the
//! plan allows. It is also what the headers go by. Only a clock that a test holds is told to Redis with each request.

mod keeper;
mod leases;
mod link;

use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mobid_domain::client::Limits;
use mobid_domain::id::ClientId;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult, Script};

use self::leases::Leases;
pub use self::link::Away;
use self::link::Link;
use super::{DAY, MINUTE, Policy, Usage, Window};
use crate::clock::Clock;

static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("shared/admit.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("shared/renew.lua")));

/// How long a place is kept that nobody renews: as long as those of an instance that was killed are not free.
const KEPT: Duration = Duration::from_secs(10);

/// Shared by clones, and by instances.
#[derive(Clone)]
pub(super) struct Shared(Arc<Parts>);

pub(super) struct Parts {
    link: Link,
    leases: Leases,
    clock: Clock,
    /// What an answer may take.
    timeout: Duration,
}

impl Deref for Shared {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// A place in Redis, noted as ended when dropped: also by a request that is given up while Redis is asked for it.
pub(super) struct Lease {
    shared: Shared,
    client: ClientId,
    place: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.leases.end(self.client, self.place);
    }
}

fn windows_key(client: ClientId) -> String {
    format!("mobid:limits:{{{client}}}:windows")
}

fn leases_key(client: ClientId) -> String {
    format!("mobid:limits:{{{client}}}:leases")
}

impl Shared {
    /// Looks for Redis in the background, from now on.
    pub(super) fn start(client: redis::Client, timeout: Duration, clock: Clock) -> Self {
        let (link, leases) = (Link::new(), Leases::new(crate::ids::new_id()));
        let shared = Self(Arc::new(Parts { link, leases, clock, timeout }));
        tokio::spawn(keeper::run(shared.clone(), client));
        shared
    }

    /// None if Redis does not say.
    pub(super) async fn admit(
        &self,
        client: ClientId,
        limits: Limits,
    ) -> Option<(Usage, Result<Lease, Policy>)> {
        let mut connection = self.link.connection()?;
        let lease = self.lease(client);
        match self.count(&mut connection.redis, &lease, limits).await {
            Ok((usage, None)) => Some((usage, Ok(lease))),
            Ok((usage, Some(policy))) => {
                self.leases.refused(client, lease.place);
                Some((usage, Err(policy)))
            }
            Err(error) => {
                self.link.failed(&connection, &error, self.clock.now());
                None
            }
        }
    }

    fn lease(&self, client: ClientId) -> Lease {
        Lease { shared: self.clone(), client, place: self.leases.begin(client) }
    }

    async fn count(
        &self,
        redis: &mut MultiplexedConnection,
        lease: &Lease,
        limits: Limits,
    ) -> RedisResult<(Usage, Option<Policy>)> {
        let limit = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        let mut script = ADMIT.prepare_invoke();
        script.key(windows_key(lease.client)).key(leases_key(lease.client)).arg(self.held_now());
        script.arg(limit(limits.per_minute)).arg(limit(limits.per_day)).arg(limit(limits.concurrent));
        script.arg(KEPT.as_micros().to_string()).arg(self.leases.name(lease.place));
        for place in self.leases.take_ended_of(lease.client) {
            script.arg(self.leases.name(place));
        }
        let answer: Vec<i64> = script.invoke_async(redis).await?;
        understand(&answer, limits).ok_or_else(|| {
            RedisError::from((redis::ErrorKind::UnexpectedReturnType, "not what the script answers"))
        })
    }

    /// What a test's clock shows, and nothing where Redis is to look at its own.
    fn held_now(&self) -> String {
        self.clock.held().map(|now| now.timestamp_micros().to_string()).unwrap_or_default()
    }

    /// Since when Redis is away, if it is.
    pub(super) fn away(&self) -> Option<Away> {
        self.link.away()
    }

    /// Returns once Redis was looked for.
    pub(super) async fn tried(&self) {
        self.link.tried().await;
    }

    /// Gives back what is noted, before this instance goes.
    pub(super) async fn settle(&self) {
        if let Some(connection) = self.link.connection() {
            keeper::give_back(self, connection).await;
        }
    }
}

/// Where the client stands, and which limit refused.
fn understand(answer: &[i64], limits: Limits) -> Option<(Usage, Option<Policy>)> {
    let &[refused, now, minute, minute_used, day, day_used, under_way] = answer else { return None };
    let window = |limit: Option<u32>, opened: i64, used: i64, length: Duration| {
        let (used, resets_at) = (u32::try_from(used).ok()?, moment(opened)? + length);
        Some(limit.map(|limit| Window { limit, used, resets_at }))
    };
    let under_way = u32::try_from(under_way).ok()?;
    let usage = Usage {
        at: moment(now)?,
        minute: window(limits.per_minute, minute, minute_used, MINUTE)?,
        day: window(limits.per_day, day, day_used, DAY)?,
        concurrent: limits.concurrent.map(|limit| (limit, under_way)),
    };
    match refused {
        0 => Some((usage, None)),
        1 => Some((usage, Some(Policy::Minute))),
        2 => Some((usage, Some(Policy::Day))),
        3 => Some((usage, Some(Policy::Concurrency))),
        _ => None,
    }
}

fn moment(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}
