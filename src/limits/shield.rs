//! Stands before everybody whose key is not known yet: who keeps trying bad keys is turned away by their address, before
//! anything is looked up.
//!
//! A key that was good here a moment ago passes: behind an address that many share, nobody is shut out by a neighbour
//! with a bad key.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::local::Counter;
use super::{MINUTE, seconds_until};
use crate::clock::Clock;

/// Bad keys that one address may present in a minute.
const FAILURES: u32 = 120;
/// Addresses that are remembered at the most.
const ADDRESSES: usize = 100_000;

/// Shared by clones.
#[derive(Clone, Default)]
pub struct Shield(Arc<Mutex<HashMap<IpAddr, Counter>>>);

impl Shield {
    /// In how many seconds an address may try again, if it has to wait.
    pub fn turns_away(&self, address: IpAddr, clock: &Clock) -> Option<i64> {
        let mut addresses = self.lock();
        let counter = addresses.get_mut(&address)?;
        let now = clock.now();
        let window = counter.at(now, MINUTE).window(Some(FAILURES), now, MINUTE)?;
        (window.remaining() == 0).then(|| seconds_until(window.resets_at, now).max(1))
    }

    pub fn failed(&self, address: IpAddr, now: DateTime<Utc>) {
        let mut addresses = self.lock();
        // Whoever has so many addresses is not stopped by this, and must not take the memory for it, nor the time to
        // look for what is over: that is done each minute.
        if addresses.len() >= ADDRESSES && !addresses.contains_key(&address) {
            return;
        }
        addresses.entry(address).or_default().at(now, MINUTE).take(now);
    }

    pub(super) fn tidy(&self, now: DateTime<Utc>) {
        self.lock().retain(|_, counter| counter.at(now, MINUTE).is_open());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn who_keeps_failing_is_turned_away_for_the_rest_of_the_minute() {
        let (shield, one, other) =
            (Shield::default(), IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        let start = DateTime::UNIX_EPOCH;
        let clock = Clock::manual(start);
        for _ in 0..FAILURES {
            assert_eq!(shield.turns_away(one, &clock), None);
            shield.failed(one, start);
        }
        assert!(shield.turns_away(one, &clock).is_some());
        assert_eq!(shield.turns_away(other, &clock), None);
        clock.advance(TimeDelta::seconds(59));
        assert!(shield.turns_away(one, &clock).is_some());
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(shield.turns_away(one, &clock), None);
        shield.tidy(start + TimeDelta::seconds(60));
        assert!(shield.lock().is_empty());
    }
}
