//! The attempts that run right now, and how many of them go to whom.

use std::collections::HashMap;
use std::future::Future;

use mobid_projections::webhook::delivery::Lane;
use tokio::task::{Id, JoinError, JoinSet};

use super::AT_A_TIME;

#[derive(Default)]
pub struct Running {
    attempts: JoinSet<()>,
    lanes: HashMap<Id, Lane>,
}

impl Running {
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    /// How many more may begin.
    pub fn room(&self) -> usize {
        AT_A_TIME.saturating_sub(self.attempts.len())
    }

    /// How many go to whom.
    pub fn lanes(&self) -> Vec<(Lane, i64)> {
        let mut counts: HashMap<&Lane, i64> = HashMap::new();
        for lane in self.lanes.values() {
            *counts.entry(lane).or_default() += 1;
        }
        counts.into_iter().map(|(lane, count)| (lane.clone(), count)).collect()
    }

    pub fn spawn(&mut self, lane: Lane, attempt: impl Future<Output = ()> + Send + 'static) {
        let task = self.attempts.spawn(attempt);
        self.lanes.insert(task.id(), lane);
    }

    /// Waits until at least one has finished.
    pub async fn some_finished(&mut self) {
        let first = self.attempts.join_next_with_id().await;
        let mut finished = first;
        while let Some(result) = finished {
            self.forget(result);
            finished = self.attempts.try_join_next_with_id();
        }
    }

    pub async fn all_finished(&mut self) {
        while !self.is_empty() {
            self.some_finished().await;
        }
    }

    fn forget(&mut self, result: Result<(Id, ()), JoinError>) {
        let id = match result {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(error = %error, "an attempt broke off");
                error.id()
            }
        };
        self.lanes.remove(&id);
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
        running.spawn(lane("a"), async move { drop(held.await) });
        running.spawn(lane("b"), async {});
        assert_eq!(running.room(), AT_A_TIME - 2);
        running.some_finished().await;
        assert_eq!(running.lanes(), [(lane("a"), 1)]);
        drop(release);
        running.all_finished().await;
        assert!(running.is_empty() && running.lanes().is_empty());
    }

    #[tokio::test]
    async fn an_attempt_that_breaks_off_frees_its_place() {
        let mut running = Running::default();
        running.spawn(lane("a"), async { panic!("broken") });
        running.all_finished().await;
        assert!(running.lanes().is_empty());
    }
}
