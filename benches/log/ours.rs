//! Our event store over the real schema.

use std::sync::Arc;

use anyhow::Result;
use mobid::event_store::{EventStore, ExecuteError, Terms};
use mobid_domain::consent::Consent;
use mobid_projections::stream::wake::Wake;
use sqlx::PgPool;

use crate::drive::Done;
use crate::sample::Sample;

#[derive(Clone)]
pub struct Ours {
    pub store: EventStore,
    sample: Arc<Sample>,
}

impl Ours {
    /// With nothing in its memory yet.
    pub fn new(pool: PgPool, sample: Arc<Sample>) -> Self {
        Self { store: EventStore::new(pool, Wake::default()), sample }
    }

    pub async fn create(&self, id: &str) -> Result<Done> {
        let terms = Terms { new: true, ..Terms::default() };
        self.store.execute::<Consent>(id, self.sample.create(), &self.sample.context(), terms).await?;
        Ok(Done::Well)
    }

    pub async fn update(&self, id: &str) -> Result<Done> {
        let (command, context) = (self.sample.update(), self.sample.context());
        match self.store.execute::<Consent>(id, command, &context, Terms::default()).await {
            Ok(_) => Ok(Done::Well),
            Err(ExecuteError::Contended) => Ok(Done::GivenUp),
            Err(error) => Err(error.into()),
        }
    }
}
