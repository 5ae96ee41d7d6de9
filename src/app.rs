//! Everything a request or a worker needs, put together once.

use std::sync::Arc;

use mobid_projections::stream::progress::Followers;
use mobid_projections::stream::wake::Wake;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::current::Current;
use crate::ephemeral::ceremony::Ceremonies;
use crate::ephemeral::client_requests::RequestCounts;
use crate::ephemeral::idempotency::IdempotencyRecords;
use crate::errands::Errands;
use crate::event_store::EventStore;
use crate::http::authentication::ClientKeys;
use crate::limits::Limiter;
use crate::listing::Listing;
use crate::notifier::Notifier;
use crate::vault::{MasterKey, Vault};

/// Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub pool: PgPool,
    pub wake: Wake,
    pub store: EventStore,
    pub current: Current,
    pub listing: Listing,
    pub vault: Vault,
    pub keys: ClientKeys,
    pub limiter: Limiter,
    pub requests: RequestCounts,
    pub idempotency: IdempotencyRecords,
    pub ceremonies: Ceremonies,
    pub notifier: Notifier,
    pub errands: Errands,
    pub followers: Followers,
    pub changes: Changes,
    /// True once the server is to be left: it still serves, but is not ready any more.
    pub draining: watch::Receiver<bool>,
    /// True once the server is going down: who waits should come to an end.
    pub stopping: watch::Receiver<bool>,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// `followers` are those that run in this process.
    pub fn new(
        config: Config,
        clock: Clock,
        pool: PgPool,
        master: MasterKey,
        wake: Wake,
        followers: Followers,
        (draining, stopping): (watch::Receiver<bool>, watch::Receiver<bool>),
    ) -> Result<Self, ConfigError> {
        let store = EventStore::new(pool.clone(), wake.clone());
        let ceremonies = Ceremonies::start(pool.clone(), master.clone());
        let vault = Vault::new(pool.clone(), master);
        Ok(Self(Arc::new(Parts {
            ceremonies,
            listing: Listing::start(pool.clone(), vault.clone(), clock.clone(), config.public_origin()),
            vault,
            keys: ClientKeys::new(store.clone(), clock.clone()),
            limiter: Limiter::start(&config, &clock)?,
            requests: RequestCounts::new(crate::ids::new_id()),
            idempotency: IdempotencyRecords::new(pool.clone()),
            notifier: Notifier::from_config(&config)?,
            errands: Errands::default(),
            current: Current::start(pool.clone()),
            changes: Changes::start(pool.clone(), wake.subscribe()),
            store,
            wake,
            followers,
            draining,
            stopping,
            pool,
            clock,
            config,
        })))
    }
}
