//! What others may know of the followers: how far each has come, and how it is.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;

use super::checkpoint;

/// How long to trust this process's own progress before looking at the checkpoint.
const LOOK: Duration = Duration::from_millis(20);

/// What a follower is doing, for health and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Another instance has the lease, or a newer version runs.
    StandingBy,
    Following,
    /// The database could not be reached or answered with an error; it is tried again.
    Struggling(String),
    /// An event could not be applied: it stops here until a restart gets past it.
    Stopped {
        position: i64,
        error: String,
    },
}

/// What others may see of a follower.
#[derive(Debug, Clone)]
pub struct Progress {
    pub name: &'static str,
    pub version: i32,
    /// The last position applied here or read from the checkpoint.
    pub position: watch::Receiver<i64>,
    pub condition: watch::Receiver<Condition>,
}

/// The followers that run in this process, by name.
#[derive(Clone, Default)]
pub struct Followers(Arc<Vec<Progress>>);

impl Followers {
    pub fn new(progress: Vec<Progress>) -> Self {
        Self(Arc::new(progress))
    }

    pub fn all(&self) -> &[Progress] {
        &self.0
    }

    pub fn named(&self, name: &str) -> Option<&Progress> {
        self.0.iter().find(|progress| progress.name == name)
    }

    /// Waits, bounded, until a follower has applied `position`; answers with what it has applied.
    pub async fn wait_for(
        &self,
        pool: &PgPool,
        name: &str,
        position: i64,
        bound: Duration,
    ) -> Result<i64, sqlx::Error> {
        let Some(progress) = self.named(name) else { return Ok(0) };
        let mut here = progress.position.clone();
        let waited = tokio::time::timeout(bound, async {
            loop {
                // Another instance may be the one that follows: then only the checkpoint tells.
                if let Ok(Ok(applied)) = tokio::time::timeout(LOOK, here.wait_for(|at| *at >= position)).await
                {
                    return Ok(*applied);
                }
                let applied = checkpoint::read(pool, name, progress.version).await?.unwrap_or(0);
                if applied >= position {
                    return Ok(applied);
                }
            }
        });
        match waited.await {
            Ok(applied) => applied,
            Err(_) => Ok(checkpoint::read(pool, name, progress.version).await?.unwrap_or(0)),
        }
    }
}
