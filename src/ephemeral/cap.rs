//! How many codes are sent and tried: counters in fixed windows that the first use opens.
//!
//! Promises: a use is counted before it is allowed, in one statement, so parallel uses cannot exceed a limit; a row
//! says neither whom nor what it counts, only the keyed hash of it. The narrow counters come first and a refusal
//! stops there, so nobody who has one link can use up what all of a client's recipients share.

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::vault::MasterKey;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A code goes out.
    Send,
    /// A link goes out, because a client wants it to.
    Notify,
    /// A code is entered.
    Try,
    /// The number beside a QR code is entered. Three tries are all that a code has, and codes come freely: not to be
    /// counted with what people answer requests with.
    Number,
    /// A passkey is asked for, which leaves a row behind for some minutes.
    Begin,
    /// A code to sign in with really goes out: to somebody whom this service knows.
    SignIn,
    /// Abuse is reported: here a person is the resource.
    Report,
}

/// Whose uses are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Resource,
    /// One phone number or address, whichever clients ask.
    Handle,
    /// One IPv4 address or IPv6 /64.
    Address,
    Client,
}

struct Cap {
    of: Use,
    per: Per,
    limit: i64,
    window: TimeDelta,
}

/// All limits. A code of six digits with five tries is guessed once in 200,000 codes: the day's limits on one handle
/// keep a month of guessing below 1 in 600. What is asked of one resource, or of signing in, leaves half of a handle's day
/// to whatever else its holder has to answer.
const CAPS: [Cap; 21] = [
    Cap { of: Use::Send, per: Per::Resource, limit: 5, window: TimeDelta::hours(1) },
    Cap { of: Use::Send, per: Per::Handle, limit: 10, window: TimeDelta::hours(1) },
    Cap { of: Use::Send, per: Per::Resource, limit: 15, window: TimeDelta::hours(24) },
    Cap { of: Use::Send, per: Per::Handle, limit: 30, window: TimeDelta::hours(24) },
    Cap { of: Use::Send, per: Per::Address, limit: 100, window: TimeDelta::hours(1) },
    Cap { of: Use::Send, per: Per::Client, limit: 5_000, window: TimeDelta::hours(1) },
    Cap { of: Use::Notify, per: Per::Handle, limit: 10, window: TimeDelta::hours(1) },
    Cap { of: Use::Notify, per: Per::Handle, limit: 30, window: TimeDelta::hours(24) },
    Cap { of: Use::Notify, per: Per::Client, limit: 5_000, window: TimeDelta::hours(1) },
    Cap { of: Use::Try, per: Per::Resource, limit: 20, window: TimeDelta::hours(1) },
    Cap { of: Use::Try, per: Per::Handle, limit: 25, window: TimeDelta::hours(1) },
    Cap { of: Use::Try, per: Per::Resource, limit: 25, window: TimeDelta::hours(24) },
    Cap { of: Use::Try, per: Per::Handle, limit: 50, window: TimeDelta::hours(24) },
    Cap { of: Use::Try, per: Per::Address, limit: 300, window: TimeDelta::hours(1) },
    Cap { of: Use::Try, per: Per::Client, limit: 20_000, window: TimeDelta::hours(1) },
    Cap { of: Use::Number, per: Per::Resource, limit: 20, window: TimeDelta::hours(1) },
    Cap { of: Use::Number, per: Per::Address, limit: 3_000, window: TimeDelta::hours(1) },
    Cap { of: Use::Begin, per: Per::Resource, limit: 60, window: TimeDelta::hours(1) },
    Cap { of: Use::Begin, per: Per::Address, limit: 600, window: TimeDelta::hours(1) },
    Cap { of: Use::SignIn, per: Per::Client, limit: 5_000, window: TimeDelta::hours(1) },
    Cap { of: Use::Report, per: Per::Resource, limit: 10, window: TimeDelta::hours(24) },
];

/// Who uses a code on what.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a> {
    pub resource: &'a str,
    /// In its normal form.
    pub handle: &'a str,
    /// `None` where the connection does not tell: all such callers count together.
    pub address: Option<IpAddr>,
    pub client: &'a str,
}

/// A limit is reached until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capped {
    pub until: DateTime<Utc>,
}

impl Subjects<'_> {
    fn name(&self, per: Per) -> String {
        match per {
            Per::Resource => self.resource.to_owned(),
            Per::Handle => self.handle.to_owned(),
            Per::Address => self.address.map_or_else(|| "unknown".to_owned(), network),
            Per::Client => self.client.to_owned(),
        }
    }
}

/// Whoever has one IPv6 address usually has its whole /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).to_string(),
    }
}

/// Counts a use; `Some` if it is one too many.
pub async fn count(
    pool: &PgPool,
    master: &MasterKey,
    of: Use,
    subjects: &Subjects<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Capped>, sqlx::Error> {
    for cap in CAPS.iter().filter(|cap| cap.of == of) {
        let kind = format!("{:?} per {:?} in {} s", cap.of, cap.per, cap.window.num_seconds());
        let name = subjects.name(cap.per);
        let key = master.hmac("mobid/page-cap", &[kind.as_bytes(), name.as_bytes()]);
        let row = sqlx::query!(
            "insert into page_caps as known (key, count, resets_at) values ($1, 1, $2)
             on conflict (key) do update
             set count = case when known.resets_at <= $3 then 1 else known.count + 1 end,
                 resets_at = case when known.resets_at <= $3 then excluded.resets_at else known.resets_at end
             returning count, resets_at",
            &key[..],
            now + cap.window,
            now
        )
        .fetch_one(pool)
        .await?;
        if row.count > cap.limit {
            return Ok(Some(Capped { until: row.resets_at }));
        }
    }
    Ok(None)
}

/// Removes up to `limit` counters whose window is over; answers how many.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query!(
        "with gone as materialized (
             select key from page_caps where resets_at <= $1
             order by resets_at limit $2 for update skip locked
         )
         delete from page_caps t using gone where t.key = gone.key",
        now,
        limit
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_64_count_together_and_others_do_not() {
        let net = |text: &str| network(text.parse().unwrap());
        assert_eq!(net("2001:db8::1"), net("2001:db8::ffff:1:2"));
        assert_ne!(net("2001:db8::1"), net("2001:db8:0:1::1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
        assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
    }

    #[test]
    fn narrow_counters_come_before_wide_ones() {
        for of in [Use::Send, Use::Notify, Use::Try, Use::Number, Use::Begin, Use::SignIn, Use::Report] {
            let limits: Vec<_> = CAPS.iter().filter(|cap| cap.of == of).map(|cap| cap.limit).collect();
            assert!(limits.is_sorted(), "{limits:?}");
        }
    }
}
