//! What goes on after somebody was answered, and must not be lost when the server stops.
//!
//! Promises: whatever was begun before `finish` is waited for. Leaves to others: that each ends in a bounded time.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;
use tracing::Instrument;

#[derive(Default)]
pub struct Errands(Mutex<JoinSet<()>>);

impl Errands {
    /// Runs it beside everything else, in the span of whoever asked for it.
    pub fn run(&self, errand: impl Future<Output = ()> + Send + 'static) {
        self.with(|running| {
            // Those that have ended are forgotten here, so that there are never many.
            while running.try_join_next().is_some() {}
            running.spawn(errand.in_current_span());
        });
    }

    /// How many have not ended.
    pub fn under_way(&self) -> usize {
        self.with(|running| {
            while running.try_join_next().is_some() {}
            running.len()
        })
    }

    /// Waits until all have ended.
    pub async fn finish(&self) {
        let mut running = self.with(std::mem::take);
        while running.join_next().await.is_some() {}
    }

    fn with<T>(&self, then: impl FnOnce(&mut JoinSet<()>) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn finishing_waits_for_all_that_were_begun() {
        let (errands, done) = (Errands::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..10 {
            let done = done.clone();
            errands.run(async move {
                tokio::task::yield_now().await;
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        assert_eq!(errands.under_way(), 10);
        errands.finish().await;
        assert_eq!((done.load(Ordering::SeqCst), errands.under_way()), (10, 0));
    }
}
