//! Where time comes from. The domain never asks; tests move it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// The system's clock, or one that a test holds.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System,
    Manual(watch::Sender<DateTime<Utc>>),
}

impl Clock {
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// Stands still until moved.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Source::Manual(watch::Sender::new(start.trunc_subsecs(6)))))
    }

    /// Now, in whole microseconds, as the database keeps it.
    #[expect(clippy::disallowed_methods, reason = "this is the edge that time comes from")]
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.0 {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(now) => *now.borrow(),
        }
    }

    /// What a test's clock shows, for who would go by a clock elsewhere; none where time is real.
    pub fn held(&self) -> Option<DateTime<Utc>> {
        match &*self.0 {
            Source::System => None,
            Source::Manual(now) => Some(*now.borrow()),
        }
    }

    /// Moves a manual clock; the system's clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Manual(now) = &*self.0 {
            now.send_modify(|now| *now += by);
        }
    }

    /// Returns when the clock shows `until` or later.
    #[expect(clippy::disallowed_methods, reason = "this is the edge that time comes from")]
    pub async fn wait_until(&self, until: DateTime<Utc>) {
        match &*self.0 {
            Source::System => {
                let left = (until - self.now()).to_std().unwrap_or(Duration::ZERO);
                tokio::time::sleep(left).await;
            }
            Source::Manual(now) => {
                // The sender lives in this very clock, so it cannot be gone.
                let _ = now.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }
}
