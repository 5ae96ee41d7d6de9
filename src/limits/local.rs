//! Limits of one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mobid_domain::client::Limits;
use mobid_domain::id::ClientId;

use super::{DAY, MINUTE, Policy, Usage, Window};

/// Shared by clones.
#[derive(Clone, Default)]
pub(super) struct Local(Arc<Mutex<HashMap<ClientId, Counted>>>);

/// A place among those of one client, given back when dropped.
pub(super) struct Taken {
    local: Local,
    client: ClientId,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(counted) = self.local.lock().get_mut(&self.client) {
            counted.under_way = counted.under_way.saturating_sub(1);
        }
    }
}

/// What one client has used.
#[derive(Default)]
struct Counted {
    minute: Counter,
    day: Counter,
    under_way: u32,
}

/// A fixed window; before the first request there is none.
#[derive(Default)]
pub(super) struct Counter {
    opened: Option<DateTime<Utc>>,
    used: u32,
}

impl Counter {
    /// Closes a window that is over. Who took the time before somebody else opened the window is in it as well; only a
    /// clock that was put back by more than a window opens another one.
    pub(super) fn at(&mut self, now: DateTime<Utc>, length: Duration) -> &mut Self {
        if self.opened.is_some_and(|opened| now >= opened + length || now + length < opened) {
            *self = Self::default();
        }
        self
    }

    pub(super) fn take(&mut self, now: DateTime<Utc>) {
        self.opened.get_or_insert(now);
        self.used = self.used.saturating_add(1);
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn window(&self, limit: Option<u32>, now: DateTime<Utc>, length: Duration) -> Option<Window> {
        limit.map(|limit| Window { limit, used: self.used, resets_at: self.opened.unwrap_or(now) + length })
    }
}

impl Counted {
    fn usage(&self, limits: Limits, now: DateTime<Utc>) -> Usage {
        Usage {
            at: now,
            minute: self.minute.window(limits.per_minute, now, MINUTE),
            day: self.day.window(limits.per_day, now, DAY),
            concurrent: limits.concurrent.map(|limit| (limit, self.under_way)),
        }
    }

    fn take(&mut self, now: DateTime<Utc>) {
        self.minute.take(now);
        self.day.take(now);
        self.under_way += 1;
    }

    /// Which limit one more request would break.
    fn broken(&self, limits: Limits) -> Option<Policy> {
        let full = |used: u32, limit: Option<u32>| limit.is_some_and(|limit| used >= limit);
        if full(self.day.used, limits.per_day) {
            Some(Policy::Day)
        } else if full(self.minute.used, limits.per_minute) {
            Some(Policy::Minute)
        } else if full(self.under_way, limits.concurrent) {
            Some(Policy::Concurrency)
        } else {
            None
        }
    }
}

impl Local {
    pub(super) fn admit(
        &self,
        client: ClientId,
        limits: Limits,
        now: DateTime<Utc>,
    ) -> (Usage, Result<Taken, Policy>) {
        let mut clients = self.lock();
        let counted = clients.entry(client).or_default();
        counted.minute.at(now, MINUTE);
        counted.day.at(now, DAY);
        if let Some(policy) = counted.broken(limits) {
            return (counted.usage(limits, now), Err(policy));
        }
        counted.take(now);
        (counted.usage(limits, now), Ok(self.taken(client)))
    }

    /// Counts what somebody else has admitted.
    pub(super) fn count(&self, client: ClientId, now: DateTime<Utc>) -> Taken {
        let mut clients = self.lock();
        let counted = clients.entry(client).or_default();
        counted.minute.at(now, MINUTE);
        counted.day.at(now, DAY);
        counted.take(now);
        self.taken(client)
    }

    pub(super) fn usage(&self, client: ClientId, limits: Limits, now: DateTime<Utc>) -> Usage {
        let mut clients = self.lock();
        let Some(counted) = clients.get_mut(&client) else { return Counted::default().usage(limits, now) };
        counted.minute.at(now, MINUTE);
        counted.day.at(now, DAY);
        counted.usage(limits, now)
    }

    pub(super) fn tidy(&self, now: DateTime<Utc>) {
        self.lock().retain(|_, counted| {
            counted.day.at(now, DAY);
            counted.under_way > 0 || counted.day.is_open()
        });
    }

    fn taken(&self, client: ClientId) -> Taken {
        Taken { local: self.clone(), client }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::super::Place;
    use super::*;

    const LIMITS: Limits = Limits { per_minute: Some(2), per_day: Some(3), concurrent: Some(2) };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn ask(local: &Local, seconds: i64) -> Result<Taken, Policy> {
        local.admit(ClientId(Uuid::nil()), LIMITS, at(seconds)).1
    }

    #[test]
    fn a_window_opens_with_its_first_request_and_ends_after_its_length() {
        let local = Local::default();
        assert!(ask(&local, 30).is_ok());
        assert!(ask(&local, 89).is_ok());
        assert_eq!(ask(&local, 89).err(), Some(Policy::Minute));
        assert!(ask(&local, 90).is_ok(), "the next window");
        assert_eq!(ask(&local, 200).err(), Some(Policy::Day));
        assert!(ask(&local, 30 + 86_400).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_a_little_opens_no_new_window() {
        let local = Local::default();
        assert!(ask(&local, 100).is_ok());
        assert!(ask(&local, 99).is_ok());
        assert_eq!(ask(&local, 98).err(), Some(Policy::Minute));
        assert_eq!(ask(&local, 159).err(), Some(Policy::Minute));
        assert!(ask(&local, 160).is_ok());
    }

    #[test]
    fn who_is_answered_makes_room() {
        let local = Local::default();
        let first = ask(&local, 0).unwrap();
        let second = Place::from(super::super::Taken::Here(ask(&local, 0).unwrap()));
        drop(first);
        second.give_back();
        second.give_back();
        let usage = local.usage(ClientId(Uuid::nil()), LIMITS, at(0));
        assert_eq!(usage.concurrent, Some((2, 0)));
        assert_eq!(usage.minute.unwrap().remaining(), 0);
    }

    #[test]
    fn another_plan_counts_at_once_and_what_was_used_stays_used() {
        let local = Local::default();
        let client = ClientId(Uuid::nil());
        assert!(ask(&local, 0).is_ok() && ask(&local, 0).is_ok());
        let more = Limits { per_minute: Some(3), per_day: None, concurrent: None };
        assert!(local.admit(client, more, at(1)).1.is_ok());
        assert_eq!(local.admit(client, more, at(1)).1.err(), Some(Policy::Minute));
        assert!(local.admit(client, Limits::NONE, at(1)).1.is_ok());
    }

    #[test]
    fn who_is_gone_for_a_day_is_forgotten() {
        let local = Local::default();
        drop(ask(&local, 0));
        local.tidy(at(86_399));
        assert_eq!(local.lock().len(), 1);
        local.tidy(at(86_400));
        assert!(local.lock().is_empty());
    }
}
