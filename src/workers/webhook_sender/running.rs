//! The attempts that run right now, and how many more may go to whom.
//!
//! As a connection of TCP does, a lane starts small, gets more with each attempt that its target answers well, and half
//! as much after one that it does not: who keeps up is sent all there is, who struggles is not sent more than it takes.

use std::collections::HashMap;
use std::future::Future;

use mobid_projections::webhook::delivery::Lane;
use tokio::task::{Id, JoinError, JoinSet};

use super::AT_A_TIME;

/// Attempts at a time that a lane starts with, and keeps whatever happens.
pub const FIRST: i64 = 16;
/// Attempts at a time that a lane gets at the most.
const MOST: i64 = 512;

#[derive(Default)]
pub struct Running {
    /// Each answers whether its target keeps up.
    attempts: JoinSet<bool>,
    lane_of: HashMap<Id, Lane>,
    lanes: HashMap<Lane, Traffic>,
}

/// Of a lane, until a look finds nothing for it.
struct Traffic {
    running: i64,
    /// How many may run.
    most: i64,
}

impl Running {
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    /// How many more may begin.
    pub fn room(&self) -> usize {
        AT_A_TIME.saturating_sub(self.attempts.len())
    }

    /// How many more may go to whom, of those that have some already.
    pub fn rooms(&self) -> Vec<(Lane, i64)> {
        self.lanes
            .iter()
            .map(|(lane, traffic)| (lane.clone(), (traffic.most - traffic.running).max(0)))
            .collect()
    }

    pub fn spawn(&mut self, lane: Lane, attempt: impl Future<Output = bool> + Send + 'static) {
        let task = self.attempts.spawn(attempt);
        self.lanes.entry(lane.clone()).or_insert(Traffic { running: 0, most: FIRST }).running += 1;
        self.lane_of.insert(task.id(), lane);
    }

    /// Waits until at least one has finished.
    pub async fn some_finished(&mut self) {
        if let Some(result) = self.attempts.join_next_with_id().await {
            self.forget(result);
        }
        self.forget_finished();
    }

    /// Makes room for others in the place of those that have finished.
    pub fn forget_finished(&mut self) {
        while let Some(result) = self.attempts.try_join_next_with_id() {
            self.forget(result);
        }
    }

    /// After a look: a lane that got nothing more and has nothing under way starts anew the next time.
    pub fn forget_idle(&mut self) {
        self.lanes.retain(|_, traffic| traffic.running > 0);
    }

    pub async fn all_finished(&mut self) {
        while !self.is_empty() {
            self.some_finished().await;
        }
    }

    fn forget(&mut self, result: Result<(Id, bool), JoinError>) {
        let (id, kept_up) = result.unwrap_or_else(|error| {
            tracing::error!(error = %error, "an attempt broke off");
            (error.id(), false)
        });
        let Some(lane) = self.lane_of.remove(&id) else { return };
        let Some(traffic) = self.lanes.get_mut(&lane) else { return };
        traffic.running -= 1;
        traffic.most = if kept_up { traffic.most + 1 } else { traffic.most / 2 }.clamp(FIRST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(target: &str) -> Lane {
        ("cl_1".to_owned(), target.to_owned())
    }

    #[tokio::test]
    async fn what_is_over_counts_no_more() {
        let mut running = Running::default();
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        running.spawn(lane("a"), async move { held.await.is_ok() });
        running.spawn(lane("b"), async { true });
        assert_eq!(running.room(), AT_A_TIME - 2);
        running.some_finished().await;
        running.forget_idle();
        assert_eq!(running.rooms(), [(lane("a"), FIRST - 1)]);
        drop(release);
        running.all_finished().await;
        assert!(running.is_empty());
        running.forget_idle();
        assert!(running.rooms().is_empty());
    }

    #[tokio::test]
    async fn an_attempt_that_breaks_off_frees_its_place() {
        let mut running = Running::default();
        running.spawn(lane("a"), async { panic!("broken") });
        running.all_finished().await;
        assert_eq!(running.rooms(), [(lane("a"), FIRST)]);
    }

    #[tokio::test]
    async fn who_keeps_up_is_sent_more_at_a_time_and_who_does_not_half_as_much() {
        let mut running = Running::default();
        let held = |running: &mut Running| running.spawn(lane("a"), std::future::pending());
        held(&mut running);
        for _ in 0..FIRST * 3 {
            running.spawn(lane("a"), async { true });
        }
        while running.rooms() != [(lane("a"), FIRST * 4 - 1)] {
            running.some_finished().await;
        }
        running.spawn(lane("a"), async { false });
        running.some_finished().await;
        assert_eq!(running.rooms(), [(lane("a"), FIRST * 2 - 1)]);
        for _ in 0..MOST {
            running.spawn(lane("a"), async { true });
        }
        while running.rooms() != [(lane("a"), MOST - 1)] {
            running.some_finished().await;
        }
    }
}
